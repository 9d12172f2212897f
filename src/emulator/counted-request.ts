/** A request of the emulator's server. It bounds what Node processes of bytes that a client has sent at once. */
import { IncomingMessage, type Server } from 'node:http'
import type { Socket } from 'node:net'

import { BYTES_PER_PIECE, MAX_HEADERS, MAX_PIECES } from './limits.ts'

/** Chunks of one byte: thousands fit into a read of 64 KiB, and hundreds into a slice. */
const SLICE_BYTES = 2048

/** Connections that were read in slices once. */
const sliced = new WeakSet<Socket>()

/**
 * Counts the pieces of its body when Node receives them, before any function reads them: an unread body
 * may have thousands of pieces of one byte in memory. A piece is a chunk, or the part of it in one TCP segment.
 *
 * Node passes 64 KiB of a connection to its parser at a time, also after the connection was destroyed. The parser then
 * stops only at a request that is an upgrade, so two kinds of requests are one. A request of a destroyed connection:
 * otherwise Node would create a request and a response for each of thousands of pipelined ones. And the first request
 * with chunks: its connection is then read in slices. All connections are not, because that costs a third of the
 * throughput of large uploads, whose length is usually declared.
 * https://github.com/nodejs/node/blob/v20.x/lib/_http_server.js (parserOnIncoming)
 */
export class CountedRequest extends IncomingMessage {
  // Not a private field of JavaScript: the constructor of IncomingMessage sets `upgrade` before those exist.
  declare private isDestroyed: boolean
  #pieces = 0
  #bytes = 0

  get upgrade(): boolean {
    return this.isDestroyed || (mayHaveChunks(this) && !sliced.has(this.socket))
  }

  /**
   * Node sets it while it parses the headers. Whether the connection is destroyed later must not count: Node would never
   * emit `close` for a request whose body it was receiving. Clients that offer another protocol stay with HTTP/1.1.
   * https://www.rfc-editor.org/rfc/rfc9110#section-7.8-9
   */
  set upgrade(_isUpgrade: boolean | null) {
    this.isDestroyed = this.socket.destroyed
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

/** Returns whether the request has more than the maximum number of headers: Node obeys further ones without showing them. */
export function hasTooManyHeaders({ rawHeaders }: IncomingMessage): boolean {
  // Names and values alternately.
  return rawHeaders.length > 2 * MAX_HEADERS
}

function mayHaveChunks(request: IncomingMessage): boolean {
  return request.headers['transfer-encoding'] !== undefined || hasTooManyHeaders(request)
}

/** Reads connections whose requests have chunks in slices. The listener is called for each new connection. */
export function onConnection(server: Server, listener: (socket: Socket) => void): void {
  server.on('connection', (socket: Socket) => {
    if (sliced.has(socket)) readInSlices(socket)
    else listener(socket)
  })
  server.on('upgrade', (request: IncomingMessage, socket: Socket, rest: Buffer) => {
    if (socket.destroyed) return
    // Gives the connection to the server once more, with the request at its start.
    sliced.add(socket)
    socket.unshift(Buffer.concat([headOf(request), rest]))
    server.emit('connection', socket)
  })
}

/** Must be called when the server has got the connection: its only listener for data is Node's. */
function readInSlices(socket: Socket): void {
  const [parse] = socket.listeners('data')
  if (parse === undefined) return
  socket.removeAllListeners('data')
  socket.on('data', (bytes: Buffer) => {
    let rest = bytes
    // Node pauses the connection while a body or a response before waits for its reader, and fails if it gets more.
    while (rest.length > 0 && !socket.destroyed && !socket.isPaused()) {
      const slice = rest.subarray(0, SLICE_BYTES)
      rest = rest.subarray(SLICE_BYTES)
      Reflect.apply(parse, socket, [slice])
    }
    if (rest.length > 0 && !socket.destroyed) socket.unshift(rest)
  })
}

/** Returns the request line and headers as the client has sent them. */
function headOf({ method, url, httpVersion, rawHeaders }: IncomingMessage): Buffer {
  const lines = [`${method} ${url} HTTP/${httpVersion}`]
  for (let index = 0; index < rawHeaders.length; index += 2) {
    lines.push(`${rawHeaders[index]}: ${rawHeaders[index + 1]}`)
  }
  return Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1')
}
