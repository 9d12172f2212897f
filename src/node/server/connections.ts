/** Tracks the connections of an HTTP server. Each has at most one request in progress, and at most one in flight. */
import type { ServerResponse } from 'node:http'
import type { Socket } from 'node:net'

/**
 * Pipelined requests that a connection survives. They are not processed, but Node keeps each of them
 * until the connection closes.
 */
const MAX_PIPELINED = 16

interface Connection {
  readonly socket: Socket
  /** The response to the latest request that was accepted; null before the first. */
  latest: ServerResponse | null
  /** Whether the latest request is counted as in flight. */
  isInFlight: boolean
  /** Pipelined requests so far. */
  pipelined: number
}

/**
 * A request is in flight from when all of it has been received until its response was handed to Node or
 * its connection closed. What a client does not send, or does not read, is therefore never in flight.
 */
export interface Connections {
  /**
   * Makes this the request in progress on its connection. False where it must not be processed: it was
   * pipelined, or its connection is gone.
   */
  accept(response: ServerResponse): boolean
  /** Counts the request as in flight, unless its response was begun already or its connection closed. */
  begin(response: ServerResponse): void
  /** To be called when the response is handed to Node. Does nothing for a request that is not in flight. */
  end(response: ServerResponse): void
  /** Whether a response has not been sent completely on this connection. */
  isBusy(socket: Socket): boolean
  /** How many requests are in flight. */
  inFlight(): number
  /** Responses that have not been sent completely, streams included. */
  unfinished(): readonly ServerResponse[]
}

export function createConnections(): Connections {
  /** Changes with each connection, not with each request. */
  const open = new Map<Socket, Connection>()
  let inFlight = 0

  function settle(connection: Connection): void {
    if (connection.isInFlight) inFlight -= 1
    connection.isInFlight = false
  }

  function connectionOf(socket: Socket): Connection {
    const known = open.get(socket)
    if (known !== undefined) return known
    const connection: Connection = { socket, latest: null, isInFlight: false, pipelined: 0 }
    open.set(socket, connection)
    // A response tells of its closed connection only while it is the first in line for it.
    socket.once('close', () => {
      settle(connection)
      open.delete(socket)
    })
    return connection
  }

  return {
    accept(response) {
      const { socket } = response.req
      if (socket.destroyed) return false
      const connection = connectionOf(socket)
      if (connection.latest !== null && isUnfinished(connection.latest)) {
        rejectPipelined(connection, connection.latest)
        return false
      }
      settle(connection)
      connection.latest = response
      return true
    },
    begin(response) {
      const connection = open.get(response.req.socket)
      if (connection?.latest !== response || connection.isInFlight || response.headersSent) return
      connection.isInFlight = true
      inFlight += 1
    },
    end(response) {
      const connection = open.get(response.req.socket)
      if (connection?.latest === response) settle(connection)
    },
    isBusy(socket) {
      const latest = open.get(socket)?.latest ?? null
      return latest !== null && isUnfinished(latest)
    },
    inFlight: () => inFlight,
    unfinished: () =>
      [...open.values()].flatMap(({ latest }) =>
        latest !== null && isUnfinished(latest) ? [latest] : [],
      ),
  }
}

/** A client that has received all of a response may send its next request: that is not pipelining. */
function isUnfinished(response: ServerResponse): boolean {
  return !response.writableFinished && !response.destroyed
}

/**
 * The response in progress is the last on its connection. A client retries what was not answered then.
 * https://www.rfc-editor.org/rfc/rfc9112#section-9.3.2
 */
function rejectPipelined(connection: Connection, inProgress: ServerResponse): void {
  const { socket } = connection
  connection.pipelined += 1
  if (connection.pipelined > MAX_PIPELINED) {
    socket.destroy()
  } else if (connection.pipelined === 1) {
    inProgress.shouldKeepAlive = false
    inProgress.once('finish', () => socket.destroySoon())
  }
}
