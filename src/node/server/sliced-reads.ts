/** Passes what a connection sends to Node's HTTP parser in slices. */
import type { Socket } from 'node:net'
import { latestRequest } from './stoppable-request.ts'

/** Thousands of pipelined requests or chunks fit into a read of 64 KiB, and hundreds into a slice. */
const SLICE_BYTES = 2048

interface SlicedRead {
  readonly onData: (bytes: Buffer) => void
  /** What the parser has not got yet of the current read. */
  rest: Buffer
}

const NOTHING = Buffer.alloc(0)
const open = new WeakMap<Socket, SlicedRead>()

/**
 * Makes Node stop parsing when the connection is destroyed or paused. By itself it parses a whole read of the connection
 * then, and it fails if it gets more while the connection is paused.
 * A part of a body of declared length needs no slices. Must be called when the server emits the connection: its only
 * listener for data is Node's.
 */
export function readInSlices(socket: Socket): void {
  const [parse] = socket.listeners('data')
  if (parse === undefined) return
  const read: SlicedRead = {
    rest: NOTHING,
    onData(bytes) {
      read.rest = bytes
      // Node pauses the connection while a body or a response before waits for its reader.
      while (read.rest.length > 0 && !socket.destroyed && !socket.isPaused()) {
        const request = latestRequest(socket)
        const toCome = request?.bytesToCome ?? 0
        const slice = read.rest.subarray(0, Math.max(SLICE_BYTES, toCome))
        read.rest = read.rest.subarray(slice.length)
        Reflect.apply(parse, socket, [slice])
        if (toCome > 0 && request?.bytesToCome === toCome) request.endCounting()
      }
      const { rest } = read
      // Even an empty part keeps the bytes of the whole read in memory.
      read.rest = NOTHING
      if (rest.length > 0 && !socket.destroyed) socket.unshift(rest)
    },
  }
  socket.removeAllListeners('data')
  socket.on('data', read.onData)
  open.set(socket, read)
}

/** Must be called for an upgraded connection. Returns the bytes that follow those that Node has parsed. */
export function endSlicedReads(socket: Socket): Buffer {
  const read = open.get(socket)
  if (read === undefined) return NOTHING
  open.delete(socket)
  socket.off('data', read.onData)
  const { rest } = read
  read.rest = NOTHING
  return rest
}
