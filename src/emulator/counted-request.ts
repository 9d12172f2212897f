/** A request of the emulator's server. It bounds what Node processes of bytes that a client has sent at once. */
import { IncomingMessage } from 'node:http'

import { BYTES_PER_PIECE, MAX_PIECES } from './limits.ts'

/**
 * Counts the pieces of its body when Node receives them, before any function reads them: an unread body
 * may have 65,536 pieces of one byte in memory. A piece is a chunk, or the part of it in one TCP segment.
 *
 * Node passes 64 KiB of a connection to its parser at a time, also after the connection was destroyed. The parser then
 * stops only at a request that is an upgrade, so a request of a destroyed connection is one. Otherwise Node would
 * create a request and a response for each of thousands of pipelined ones.
 * https://github.com/nodejs/node/blob/v20.x/lib/_http_server.js (parserOnIncoming)
 */
export class CountedRequest extends IncomingMessage {
  // Not a private field of JavaScript: the constructor of IncomingMessage sets `upgrade` before those exist.
  declare private isUpgrade: boolean | null
  #pieces = 0
  #bytes = 0

  get upgrade(): boolean | null {
    return this.isUpgrade
  }

  /**
   * Node sets it while it parses the headers. Whether the connection is destroyed later must not count: Node would never
   * emit `close` for a request whose body it was receiving.
   */
  set upgrade(isUpgrade: boolean | null) {
    this.isUpgrade = this.socket.destroyed || isUpgrade
  }

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
