/** Reads a request body completely, and makes it available to `@whatwg-node/server` afterwards. */
import type { IncomingMessage } from 'node:http'

/**
 * Calls `done` once with the whole body; never if the client disconnects before.
 * @param length the declared Content-Length, greater than 0
 */
export function readBody(
  request: IncomingMessage,
  length: number,
  done: (bytes: Buffer) => void,
): void {
  let chunks: Buffer[] = []
  let size = 0
  request.on('data', (chunk: Buffer) => {
    chunks.push(chunk)
    size += chunk.length
    // Node ends a body at its declared length.
    if (size !== length) return
    const body = chunks.length === 1 ? chunk : Buffer.concat(chunks)
    // Released here: the request object lives as long as its response, which may be an event stream.
    chunks = []
    done(body)
  })
}

/** A body that was read already, in the form that `@whatwg-node/server` accepts. */
export class BufferedBody {
  /** Must be enumerable: `@whatwg-node/server` ignores a body without enumerable fields. */
  bytes: Uint8Array

  constructor(bytes: Uint8Array) {
    this.bytes = bytes
  }

  /** Can be read once, so that the bytes are not kept as long as the request. */
  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array, void, void> {
    const bytes = this.bytes
    this.bytes = new Uint8Array()
    yield bytes
  }
}
