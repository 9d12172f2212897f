/** Tracks the connections of an HTTP server, their requests in flight and their unread responses. */
import type { ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { UnreadBytes } from './unread-bytes.ts'

/**
 * Maximum pipelined requests per connection; one more closes it. Pipelined requests are not processed, but
 * Node keeps each of them until the connection closes.
 */
const MAX_PIPELINED = 4

interface Connection {
  readonly socket: Socket
  /** The response to the latest request that was accepted; null before the first. */
  latest: ServerResponse | null
  /** Whether the latest request is counted as in flight. */
  isInFlight: boolean
  /** Pipelined requests so far. */
  pipelined: number
  /** Whether the latest response is an event stream. */
  isEventStream: boolean
  /** Response that the latest sweep found unread; null if there was none. `sweeps` counts repeated findings. */
  unread: ServerResponse | null
  sweeps: number
}

/** Number of sweeps within `readMs`. */
const SWEEPS = 8

export interface ConnectionsOptions {
  readonly unreadBytes: Pick<UnreadBytes, 'watch'>
  /** Milliseconds within which a client must read a whole response. Event streams are exempt. */
  readonly readMs: number
}

/**
 * Connections and their requests. A request is in flight from when the server has received all of it until
 * the response is handed to Node or the connection closes. Clients that send or read slowly do not make a
 * request count as in flight.
 */
export interface Connections {
  /**
   * Makes this the request in progress on its connection. Returns false if the request was pipelined or its
   * connection is closed; the caller must not process it then.
   */
  accept(response: ServerResponse): boolean
  /** Counts the request as in flight, unless its response has started or its connection is closed. */
  begin(response: ServerResponse): void
  /** Must be called when the response is handed to Node. Does nothing for a request that is not in flight. */
  end(response: ServerResponse): void
  /** Exempts an event stream from `readMs` until it ends. */
  markEventStream(response: ServerResponse): void
  /** Whether a response on this connection has not been sent completely. */
  isBusy(socket: Socket): boolean
  /** Whether nothing happens on this connection until its client sends or reads. False for event streams. */
  isWaitingForClient(socket: Socket): boolean
  /** Number of requests in flight. */
  inFlight(): number
  /** Responses that have not been sent completely, including event streams. */
  unfinished(): readonly ServerResponse[]
}

export function createConnections({ unreadBytes, readMs }: ConnectionsOptions): Connections {
  /** Updated once per connection, not per request. */
  const open = new Map<Socket, Connection>()
  let inFlight = 0
  /** One timer for all connections; null while there are none. */
  let sweeping: NodeJS.Timeout | null = null

  /**
   * Disconnects clients that have not read a whole response within `readMs`. Partial progress does not
   * count: a client that reads a few bytes at a time would keep a response in memory for hours.
   */
  function sweep(): void {
    for (const connection of open.values()) {
      const { latest, unread, socket } = connection
      if (latest === null || !isWaitingForReader(connection, latest)) {
        connection.unread = null
      } else if (unread !== latest) {
        connection.unread = latest
        connection.sweeps = 0
      } else {
        connection.sweeps += 1
        if (connection.sweeps >= SWEEPS) socket.destroy()
      }
    }
  }

  function stopSweeping(): void {
    if (sweeping !== null) clearInterval(sweeping)
    sweeping = null
  }

  function endRequest(connection: Connection): void {
    if (connection.isInFlight) inFlight -= 1
    connection.isInFlight = false
  }

  function connectionOf(socket: Socket): Connection {
    const existing = open.get(socket)
    if (existing !== undefined) return existing
    const connection: Connection = {
      socket,
      latest: null,
      isInFlight: false,
      pipelined: 0,
      isEventStream: false,
      unread: null,
      sweeps: 0,
    }
    open.set(socket, connection)
    unreadBytes.watch(socket)
    sweeping ??= setInterval(sweep, readMs / SWEEPS).unref()
    // Listens on the socket, because a response that is queued behind another emits no `close` for it.
    socket.once('close', () => {
      endRequest(connection)
      open.delete(socket)
      if (open.size === 0) stopSweeping()
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
      endRequest(connection)
      connection.latest = response
      connection.isEventStream = false
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
      if (connection?.latest === response) endRequest(connection)
    },
    markEventStream(response) {
      const connection = open.get(response.req.socket)
      if (connection?.latest === response) connection.isEventStream = true
    },
    isBusy(socket) {
      const latest = open.get(socket)?.latest ?? null
      return latest !== null && isUnfinished(latest)
    },
    isWaitingForClient(socket) {
      const connection = open.get(socket)
      const latest = connection?.latest ?? null
      if (connection === undefined || latest === null || !isUnfinished(latest)) return true
      // A request that was received waits for the gateway until its response starts, also in the queue.
      return !latest.req.complete || (latest.headersSent && !connection.isEventStream)
    },
    inFlight: () => inFlight,
    unfinished: () =>
      [...open.values()].flatMap(({ latest }) =>
        latest !== null && isUnfinished(latest) ? [latest] : [],
      ),
  }
}

/** Whether only the client's reading delays the end of this response. */
function isWaitingForReader({ isEventStream }: Connection, latest: ServerResponse): boolean {
  if (!isUnfinished(latest)) return false
  return latest.writableEnded || (latest.headersSent && !isEventStream)
}

/** Whether a response has not been sent completely. The next request is not pipelined after that. */
function isUnfinished(response: ServerResponse): boolean {
  return !response.writableFinished && !response.destroyed
}

/**
 * Makes the response in progress the last on its connection. Clients retry requests without a response.
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
