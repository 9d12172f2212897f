/** A PATCH request's body as @tus/server reads it, counted, and ended calmly when the line breaks. */
import type { IncomingMessage } from 'node:http'

import { MAX_CHUNK_BYTES } from './limits.ts'

export interface ChunkBody {
  readonly stream: ReadableStream<Uint8Array>
  /** Bytes handed on so far; one more than the largest chunk where the body went beyond it. */
  bytes(): number
}

/**
 * A client that hangs up ends the body like any other end: "the Server SHOULD always attempt to store
 * as much of the received data as possible". https://tus.io/protocols/resumable-upload#patch
 * A body beyond the largest chunk ends too, since nothing of it will be kept.
 */
export function openChunkBody(request: IncomingMessage): ChunkBody {
  const chunks: AsyncIterator<unknown> = request.iterator({ destroyOnReturn: false })
  let bytes = 0
  const stream = new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const next = await chunks.next().catch(() => null)
        if (next === null || next.done === true || !(next.value instanceof Uint8Array)) {
          controller.close()
          return
        }
        bytes += next.value.byteLength
        if (bytes > MAX_CHUNK_BYTES) controller.close()
        else controller.enqueue(next.value)
      },
      async cancel() {
        await chunks.return?.()
      },
    },
    { highWaterMark: 0 },
  )
  return { stream, bytes: () => bytes }
}
