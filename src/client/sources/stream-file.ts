/** A stream of known length, of which only the last range is kept in memory. */
import { MIN_CHUNK_BYTES } from '../limits.ts'
import { uploadError } from '../upload-error.ts'
import type { StreamSource } from '../upload-source.ts'
import { type SourceFile, readName, readType, sourceFailed } from './source-file.ts'

const NONE = new Uint8Array(0)

/** Locks the stream. Its bytes are counted: it must have exactly `size` of them. */
export function openStream({ stream, size, name, type }: StreamSource): SourceFile {
  const reader = stream.getReader()
  /** The last range. */
  let kept = NONE
  /** Position of `kept` in the file. */
  let keptAt = 0
  /** Bytes of the last piece after `kept`. */
  let rest: Uint8Array = NONE

  /** Returns the next bytes; null at the end of the stream. */
  async function nextPiece(signal: AbortSignal | undefined): Promise<Uint8Array | null> {
    const piece = await readPiece(reader, signal)
    signal?.throwIfAborted()
    if (piece === undefined) return null
    if (piece instanceof Uint8Array) return piece
    throw sourceFailed('UNREADABLE', 'The stream must contain Uint8Arrays.')
  }

  /** Copies the next bytes of the stream into `target`. */
  async function fill(target: Uint8Array, at: number, signal?: AbortSignal): Promise<void> {
    for (let filled = 0; filled < target.byteLength;) {
      if (rest.byteLength === 0) {
        const piece = await nextPiece(signal)
        if (piece === null) {
          throw sourceFailed(
            'ENDED_EARLY',
            `The stream ended after ${at + filled} of ${size} bytes.`,
          )
        }
        rest = piece
        continue
      }
      const taken = rest.subarray(0, target.byteLength - filled)
      target.set(taken, filled)
      rest = rest.subarray(taken.byteLength)
      filled += taken.byteLength
    }
  }

  /** Reads up to this position and keeps nothing. */
  async function skipTo(start: number, signal: AbortSignal | undefined): Promise<void> {
    const keptEnd = keptAt + kept.byteLength
    kept = NONE
    keptAt = keptEnd
    while (keptAt < start) {
      const skipped = new Uint8Array(Math.min(MIN_CHUNK_BYTES, start - keptAt))
      await fill(skipped, keptAt, signal)
      keptAt += skipped.byteLength
    }
  }

  async function requireEnd(signal: AbortSignal | undefined): Promise<void> {
    while (rest.byteLength === 0) {
      const piece = await nextPiece(signal)
      if (piece === null) return
      rest = piece
    }
    throw sourceFailed('TOO_LONG', `The stream has more than ${size} bytes.`)
  }

  async function read(start: number, end: number, signal?: AbortSignal) {
    if (start < keptAt) throw consumed(start)
    const keptEnd = keptAt + kept.byteLength
    // The last range is dropped before the next one is allocated.
    if (start >= keptEnd) await skipTo(start, signal)
    if (end > keptAt + kept.byteLength) {
      const known = kept.subarray(start - keptAt)
      const range = new Uint8Array(end - start)
      range.set(known)
      kept = range.subarray(0, known.byteLength)
      keptAt = start
      await fill(range.subarray(known.byteLength), start + known.byteLength, signal)
      kept = range
      if (end === size) await requireEnd(signal)
    }
    return kept.subarray(start - keptAt, end - keptAt)
  }

  return {
    size,
    name: readName(name),
    type: readType(type),
    lastModified: null,
    read,
    sample: async (signal) => [await read(0, Math.min(MIN_CHUNK_BYTES, size), signal)],
    nativePart: null,
    isRepeatable: false,
    close() {
      reader.cancel().catch(() => {})
    },
  }
}

/** Returns undefined at the end. Rejects with the signal's reason on abort. */
async function readPiece(
  reader: ReadableStreamDefaultReader<unknown>,
  signal: AbortSignal | undefined,
): Promise<unknown> {
  signal?.throwIfAborted()
  const cancel = (): void => void reader.cancel().catch(() => {})
  signal?.addEventListener('abort', cancel)
  try {
    const { value } = await reader.read()
    return value
  } catch {
    signal?.throwIfAborted()
    throw sourceFailed('UNREADABLE', 'Reading the stream failed.')
  } finally {
    signal?.removeEventListener('abort', cancel)
  }
}

function consumed(offsetBytes: number) {
  return uploadError(
    `The stream cannot be read again from byte ${offsetBytes}. Call \`upload\` with a new stream: it resumes.`,
    { code: 'SOURCE_CONSUMED', offsetBytes },
  )
}
