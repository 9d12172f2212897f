/**
 * Stream's rules for the size of a tus chunk.
 * https://developers.cloudflare.com/stream/uploading-videos/resumable-uploads/
 */
import { CHUNK_STEP_BYTES, MAX_CHUNK_BYTES, MIN_CHUNK_BYTES } from '../limits.ts'

/**
 * Returns the error message for a chunk of invalid size; null for a valid one. The last chunk may
 * have any size up to the maximum. Offsets need no alignment, so that a client can resume after a
 * broken connection.
 * @param bytes size of the request body
 * @param offset offset of the body in the file
 * @param uploadLength size of the whole file
 */
export function chunkSizeError(bytes: number, offset: number, uploadLength: number): string | null {
  if (bytes > MAX_CHUNK_BYTES) {
    return `A chunk must be at most ${MAX_CHUNK_BYTES} bytes; this one has more.`
  }
  if (offset + bytes === uploadLength) return null
  if (bytes < MIN_CHUNK_BYTES) {
    return `A chunk must be at least ${MIN_CHUNK_BYTES} bytes unless it is the last; this one has ${bytes}.`
  }
  if (bytes % CHUNK_STEP_BYTES !== 0) {
    return `A chunk must be a multiple of ${CHUNK_STEP_BYTES} bytes unless it is the last; this one has ${bytes}.`
  }
  return null
}
