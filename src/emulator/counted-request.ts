/** A request of the emulator's server. It disconnects a client whose body arrives in tiny pieces. */
import { IncomingMessage } from 'node:http'

import { BYTES_PER_PIECE, MAX_PIECES } from './limits.ts'

/**
 * Counts the pieces of its body when Node receives them, before any function reads them: an unread body
 * may have 65,536 pieces of one byte in memory. A piece is a chunk, or the part of it in one TCP segment.
 */
export class CountedRequest extends IncomingMessage {
  #pieces = 0
  #bytes = 0

  override push(piece: Buffer | null, encoding?: BufferEncoding): boolean {
    if (piece === null) return super.push(piece)
    this.#pieces += 1
    this.#bytes += piece.byteLength
    if (this.#pieces <= MAX_PIECES + this.#bytes / BYTES_PER_PIECE) {
      return super.push(piece, encoding)
    }
    this.socket.destroy()
    return false
  }
}
