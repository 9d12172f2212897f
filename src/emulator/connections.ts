/** Lets each connection of the HTTP server have one request in progress. */
import type { ServerResponse } from 'node:http'
import type { Socket } from 'node:net'

import { MAX_PIPELINED } from './limits.ts'

interface Connection {
  /** The response to the latest request that was accepted. */
  latest: ServerResponse
  pipelined: number
}

export class Connections {
  readonly #connections = new WeakMap<Socket, Connection>()

  /**
   * Makes this the request in progress on its connection. Returns false if it must not be processed: it
   * was pipelined, or its connection is closed. Node emits no `close` for a response while another is
   * in progress on its connection, so that a pipelined request would hold its resources forever.
   */
  accept(response: ServerResponse): boolean {
    const { socket } = response.req
    if (socket.destroyed) return false
    const connection = this.#connections.get(socket)
    if (connection === undefined) {
      this.#connections.set(socket, { latest: response, pipelined: 0 })
      return true
    }
    // A client that has received a whole response may send its next request: that is not pipelining.
    if (!connection.latest.writableFinished) {
      rejectPipelined(connection, socket)
      return false
    }
    connection.latest = response
    return true
  }
}

/**
 * The response in progress is the last on its connection. A client retries requests without a response.
 * https://www.rfc-editor.org/rfc/rfc9112#section-9.3.2
 */
function rejectPipelined(connection: Connection, socket: Socket): void {
  connection.pipelined += 1
  if (connection.pipelined > MAX_PIPELINED) {
    socket.destroy()
  } else if (connection.pipelined === 1) {
    connection.latest.shouldKeepAlive = false
    connection.latest.once('finish', () => socket.destroySoon())
  }
}
