/** Reads a request's body to its end, and hands it on as if it had not been read. */
import type { IncomingMessage } from 'node:http'

/** Calls back once, with all of the body; never where the client goes away before. */
export function readWhole(
  request: IncomingMessage,
  length: number,
  done: (bytes: Buffer) => void,
): void {
  const chunks: Buffer[] = []
  let size = 0
  request.on('data', (chunk: Buffer) => {
    chunks.push(chunk)
    size += chunk.length
    // Node ends a body at its declared length.
    if (size === length) done(chunks.length === 1 ? chunk : Buffer.concat(chunks))
  })
}

/** A body as `@whatwg-node/server` takes it where somebody has read it already. */
export class WholeBody {
  readonly bytes: Uint8Array

  constructor(bytes: Uint8Array) {
    this.bytes = bytes
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array, void, void> {
    yield this.bytes
  }
}
