/** A stream of known length, of which only the last range is kept in memory. */
import { MIN_CHUNK_BYTES } from '../limits.ts'
import { uploadError } from '../upload-error.ts'
import type { StreamSource } from '../upload-source.ts'
import { type SourceFile, readName, readType, sourceFailed } from './source-file.ts'

const NONE = new Uint8Array(0)

/** Locks the stream. Its bytes are counted: it must have exactly `size` of them. */
export function openStream({ stream, size, name, type }: StreamSource): SourceFile {
  const reader = stream.getReader()
  /** The last range, or what was read of it before an abort. */
  let kept = NONE
  /** Position of `kept` in the file. */
  let keptAt = 0
  /** Bytes of the last piece after `kept`. */
  let rest: Uint8Array = NONE
  /** The read that runs; an abort does not end it. */
  let reading: Promise<{ readonly value?: unknown }> | null = null
  let isEnded = false
  let isClosed = false

  /** Reads a piece into `rest`, unless it has bytes. At the end of the stream, it has none. */
  async function readPiece(signal: AbortSignal | undefined): Promise<void> {
    while (rest.byteLength === 0 && !isEnded) {
      signal?.throwIfAborted()
      reading ??= reader.read()
      const { value } = await untilAborted(reading, signal)
      reading = null
      if (value === undefined) isEnded = true
      else if (value instanceof Uint8Array) rest = value
      else throw sourceFailed('UNREADABLE', 'The stream must contain Uint8Arrays.')
    }
  }

  /** Returns the next bytes of the stream, at most so many. */
  async function take(maxBytes: number, signal: AbortSignal | undefined): Promise<Uint8Array> {
    await readPiece(signal)
    if (rest.byteLength === 0) {
      const position = keptAt + kept.byteLength
      throw sourceFailed('ENDED_EARLY', `The stream ended after ${position} of ${size} bytes.`)
    }
    const taken = rest.subarray(0, maxBytes)
    rest = rest.subarray(taken.byteLength)
    return taken
  }

  /** Reads up to this position and keeps nothing. */
  async function skipTo(start: number, signal: AbortSignal | undefined): Promise<void> {
    keptAt += kept.byteLength
    kept = NONE
    while (keptAt < start) keptAt += (await take(start - keptAt, signal)).byteLength
  }

  /** Keeps the range instead of the last one, with which it may overlap. */
  async function keep(start: number, end: number, signal: AbortSignal | undefined): Promise<void> {
    // The last range is dropped before the next one is allocated.
    if (start >= keptAt + kept.byteLength) await skipTo(start, signal)
    const known = kept.subarray(start - keptAt)
    const range = new Uint8Array(end - start)
    range.set(known)
    kept = range.subarray(0, known.byteLength)
    keptAt = start
    while (kept.byteLength < range.byteLength) {
      const taken = await take(range.byteLength - kept.byteLength, signal)
      range.set(taken, kept.byteLength)
      kept = range.subarray(0, kept.byteLength + taken.byteLength)
    }
  }

  async function read(start: number, end: number, signal?: AbortSignal) {
    if (isClosed || start < keptAt) throw consumed(start)
    if (end > keptAt + kept.byteLength) await keep(start, end, signal)
    if (end === size) {
      await readPiece(signal)
      if (rest.byteLength > 0) {
        throw sourceFailed('TOO_LONG', `The stream has more than ${size} bytes.`)
      }
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
    blob: null,
    nativePart: null,
    isRepeatable: size <= MIN_CHUNK_BYTES,
    close() {
      isClosed = true
      reader.cancel().catch(() => {})
    },
  }
}

/** Waits for a read. Rejects with the signal's reason on abort. */
async function untilAborted<T>(reading: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  const ended = new AbortController()
  const aborted = new Promise<never>((_resolve, reject) => {
    signal?.addEventListener('abort', () => reject(signal.reason), { signal: ended.signal })
  })
  try {
    return await Promise.race([reading, aborted])
  } catch {
    signal?.throwIfAborted()
    throw sourceFailed('UNREADABLE', 'Reading the stream failed.')
  } finally {
    ended.abort()
  }
}

function consumed(offsetBytes: number) {
  return uploadError(
    `The stream cannot be read again from byte ${offsetBytes}. Call \`upload\` with a new stream: it resumes.`,
    { code: 'SOURCE_CONSUMED', offsetBytes },
  )
}
