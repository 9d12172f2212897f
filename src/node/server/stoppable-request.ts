/** A request of Node's HTTP server that stops the parser once its connection was destroyed. */
import { IncomingMessage } from 'node:http'

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

  get upgrade(): boolean | null {
    return this.socket.destroyed || this.isUpgrade
  }

  set upgrade(isUpgrade: boolean | null) {
    this.isUpgrade = isUpgrade
  }
}
