/** Request bodies in the form that `@whatwg-node/server` accepts. */
import type { ServerResponse } from 'node:http'
import type { RequestBody } from './request-bodies.ts'

/** A body that is read as a whole, and only if a handler reads it. */
export class WholeBody {
  /** Must be enumerable: `@whatwg-node/server` ignores a body without enumerable fields. */
  read: () => Promise<Uint8Array>

  constructor(read: () => Promise<Uint8Array>) {
    this.read = read
  }

  /** Can be read once, so that the bytes are not kept as long as the request. */
  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array, void, void> {
    const { read } = this
    this.read = readNothing
    yield await read()
  }
}

async function readNothing(): Promise<Uint8Array> {
  return new Uint8Array()
}

/** Rejects if the client disconnects before. */
export function readWhole(body: RequestBody, response: ServerResponse): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    function onClose(): void {
      reject(new Error('The client disconnected before it had sent the whole body.'))
    }
    if (response.destroyed) onClose()
    response.once('close', onClose)
    body.read((bytes) => {
      // The listener would keep the bytes as long as the response, which may be an event stream.
      response.off('close', onClose)
      resolve(bytes)
    })
  })
}
