/** Polls offsets of tus uploads in the background, so that sync runs do not wait for them. */
import type { Dependencies } from '../dependencies.ts'
import { recordObservation } from '../status/record-observation.ts'
import { StreamError } from '../ports/stream-error.ts'
import { isUsable, type Upload } from '../upload.ts'

/** Concurrent offset requests to the upload host. */
const MAX_CONCURRENT_REQUESTS = 20

/** Polls offsets in the background, one batch at a time. */
interface TusOffsetPoller {
  /** Starts a batch, in this order. Does nothing while a batch is running: the next sync run starts another. */
  start(uploads: readonly Upload[]): void
  /** Resolves when no batch is running. */
  idle(): Promise<void>
}

export function createTusOffsetPoller(
  dependencies: Pick<
    Dependencies,
    'stream' | 'store' | 'callbacks' | 'pubsub' | 'clock' | 'log' | 'closing' | 'telemetry'
  >,
): TusOffsetPoller {
  let running: Promise<void> | null = null

  async function pollAll(uploads: readonly Upload[]): Promise<void> {
    // Shared by all calls of `pollNext`, so that each upload is polled once, in order.
    const remaining = uploads.values()
    async function pollNext(): Promise<void> {
      for (const upload of remaining) {
        if (dependencies.closing.aborted) return
        await updateTusOffset(dependencies, upload)
      }
    }
    await Promise.all(Array.from({ length: MAX_CONCURRENT_REQUESTS }, pollNext))
  }

  return {
    start(uploads) {
      if (running !== null || uploads.length === 0) return
      running = pollAll(uploads)
        .catch((error: unknown) =>
          dependencies.log.error({ err: error }, 'polling tus offsets failed'),
        )
        .finally(() => {
          running = null
        })
    },
    idle: () => running ?? Promise.resolve(),
  }
}

async function updateTusOffset(
  dependencies: Pick<
    Dependencies,
    'stream' | 'store' | 'callbacks' | 'pubsub' | 'clock' | 'log' | 'telemetry'
  >,
  upload: Upload,
): Promise<void> {
  if (upload.protocol !== 'TUS' || !dependencies.stream.capabilities.tusUploads) return
  if (!isUsable(upload, dependencies.clock.now())) return
  try {
    const offset = await dependencies.stream.readTusOffset(upload.uploadURL)
    if (offset === null || offset.receivedBytes === 0) return
    await recordObservation(dependencies, upload.uid, {
      kind: 'offset',
      source: 'SYNC',
      at: dependencies.clock.now(),
      receivedBytes: offset.receivedBytes,
    })
  } catch (error) {
    if (!(error instanceof StreamError)) throw error
    dependencies.log.debug(
      { uploadId: upload.id, errorKind: error.kind },
      'reading a tus offset failed',
    )
  }
}
