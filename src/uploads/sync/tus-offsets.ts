/** Reads the offsets of many tus uploads beside synchronisation, which must not wait for them. */
import type { Parts } from '../dependencies.ts'
import { readOffset } from '../read-offset.ts'
import type { Upload } from '../upload.ts'

/** Offsets that are read at the same time: each is a request to the upload host. */
const AT_ONCE = 20

/** Reads offsets in the background, one batch at a time. */
export interface OffsetReader {
  /** Begins with these, unless the last batch is still under way: the next round comes soon. */
  start(uploads: readonly Upload[]): void
  /** Resolves when nothing is under way. */
  idle(): Promise<void>
}

export function createOffsetReader(
  parts: Pick<Parts, 'stream' | 'store' | 'events' | 'clock' | 'log' | 'closing' | 'telemetry'>,
): OffsetReader {
  let underWay: Promise<void> | null = null

  async function readAll(uploads: readonly Upload[]): Promise<void> {
    const left = [...uploads]
    async function readSome(): Promise<void> {
      for (let upload = left.pop(); upload !== undefined; upload = left.pop()) {
        if (parts.closing.aborted) return
        await readOffset(parts, upload)
      }
    }
    await Promise.all(Array.from({ length: AT_ONCE }, readSome))
  }

  return {
    start(uploads) {
      if (underWay !== null || uploads.length === 0) return
      underWay = readAll(uploads)
        .catch((error: unknown) => parts.log.error({ err: error }, 'offsets not read'))
        .finally(() => {
          underWay = null
        })
    },
    idle: () => underWay ?? Promise.resolve(),
  }
}
