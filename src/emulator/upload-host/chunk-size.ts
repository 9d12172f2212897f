/**
 * Stream's rules for the size of a tus chunk.
 * https://developers.cloudflare.com/stream/uploading-videos/resumable-uploads/
 */
import { CHUNK_STEP_BYTES, MAX_CHUNK_BYTES, MIN_CHUNK_BYTES } from '../limits.ts'

/**
 * The sentence that refuses a chunk; null where it is right. The chunk that reaches the file's end
 * may have any size up to the largest. The rules look at a request's body, not at where it starts:
 * so a client may go on from wherever a broken connection left it.
 * @param bytes the request body's size
 * @param offset where in the file it starts
 * @param uploadLength the whole file's size
 */
export function refuseChunk(bytes: number, offset: number, uploadLength: number): string | null {
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
