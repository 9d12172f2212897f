/** A request of Node's HTTP server that limits what Node processes of bytes that a client has sent at once. */
import { IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'

/** Pieces of any size: chunks of a chunked body, or what one read has of the body. Each costs much more than its bytes. */
const MAX_SMALL_PIECES = 256

/** One further piece is allowed for so many bytes: larger pieces cost little more than their bytes. */
const BYTES_PER_PIECE = 128

/**
 * Node passes 64 KiB of a connection to its parser at a time, and creates a request and a response for each of
 * thousands of pipelined requests in it, also after the connection was destroyed. The parser stops only at a request
 * that is an upgrade, so a request of a destroyed connection is one. The server then emits `upgrade` for it, or closes
 * the connection.
 * https://github.com/nodejs/node/blob/v20.x/lib/_http_server.js (parserOnIncoming)
 */
export class StoppableRequest extends IncomingMessage {
  // Not a private field: the constructor of IncomingMessage sets `upgrade` before private fields exist.
  declare private isUpgrade: boolean | null
  #pieces = 0
  #bytes = 0
  /** Bytes of the body by its Content-Length; 0 if it has none, or null if it was not read yet. */
  #declaredBytes: number | null = null

  constructor(socket: Socket) {
    super(socket)
    latest.set(socket, this)
  }

  /** Bytes that follow on the connection and are certainly a part of this body. */
  get bytesToCome(): number {
    this.#declaredBytes ??= Number(this.headers['content-length'] ?? 0)
    return this.#declaredBytes - this.#bytes
  }

  /** Must be called when Node discards the body, and does not pass it to `push`. */
  endCounting(): void {
    this.#declaredBytes = 0
  }

  get upgrade(): boolean | null {
    return this.isUpgrade
  }

  /** Node sets it while it parses the headers. A request whose body is being received must not become an upgrade. */
  set upgrade(isUpgrade: boolean | null) {
    this.isUpgrade = this.socket.destroyed || isUpgrade
  }

  /** Disconnects a client whose body has too many pieces. Node calls it while it parses, before anything reads them. */
  override push(piece: Buffer | null, encoding?: BufferEncoding): boolean {
    if (piece !== null) {
      this.#pieces += 1
      this.#bytes += piece.byteLength
      if (this.#pieces > MAX_SMALL_PIECES + this.#bytes / BYTES_PER_PIECE) {
        this.socket.destroy()
        return false
      }
    }
    return super.push(piece, encoding)
  }
}

const latest = new WeakMap<Socket, StoppableRequest>()

/** Returns the request that was received last on a connection; undefined before the first. */
export function latestRequest(socket: Socket): StoppableRequest | undefined {
  return latest.get(socket)
}
