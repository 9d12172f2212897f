/** Limits the pieces of request bodies. A piece is a chunk of the body, or the part of it in one TCP segment. */
import type { IncomingMessage } from 'node:http'

import { BYTES_PER_PIECE, MAX_PIECES } from './limits.ts'

interface Received {
  pieces: number
  bytes: number
}

/** By request, because several functions may read one body, each after the other. */
const received = new WeakMap<IncomingMessage, Received>()

/** Called with each piece of a body, by every reader. Disconnects a client that sends tiny pieces. */
export function countPiece(request: IncomingMessage, piece: Buffer): void {
  const total = received.get(request) ?? { pieces: 0, bytes: 0 }
  received.set(request, total)
  total.pieces += 1
  total.bytes += piece.byteLength
  if (total.pieces > MAX_PIECES + total.bytes / BYTES_PER_PIECE) request.socket.destroy()
}
