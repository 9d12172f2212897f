/** Reads a request's body to its end, and hands it on as if it had not been read. */
import type { IncomingMessage } from 'node:http'

/** Calls back once, with all of the body; never where the client goes away before. */
export function readWhole(
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
    const whole = chunks.length === 1 ? chunk : Buffer.concat(chunks)
    // The request lasts as long as its response, which may be a stream of events.
    chunks = []
    done(whole)
  })
}

/** A body as `@whatwg-node/server` takes it where somebody has read it already. */
export class WholeBody {
  /** A field that can be listed: a body without any is taken for none. */
  bytes: Uint8Array

  constructor(bytes: Uint8Array) {
    this.bytes = bytes
  }

  /** Once: it is not kept for as long as the request. */
  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array, void, void> {
    const bytes = this.bytes
    this.bytes = new Uint8Array()
    yield bytes
  }
}
