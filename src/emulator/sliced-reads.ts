/** Passes what a connection sends to Node's HTTP parser in slices. */
import type { Socket } from 'node:net'

/**
 * A read of 64 KiB may contain thousands of pipelined requests or chunks. Smaller slices slow large uploads down: each
 * becomes a piece of the body.
 */
const SLICE_BYTES = 8192

/**
 * Makes Node stop parsing when the connection is destroyed. By itself it parses a whole read of the connection then.
 * Must be called when the server emits the connection: its only listener for data is Node's.
 */
export function readInSlices(socket: Socket): void {
  const [parse] = socket.listeners('data')
  if (parse === undefined) return
  socket.removeAllListeners('data')
  socket.on('data', (bytes: Buffer) => {
    for (let start = 0; start < bytes.length && !socket.destroyed; start += SLICE_BYTES) {
      Reflect.apply(parse, socket, [bytes.subarray(start, start + SLICE_BYTES)])
    }
  })
}
