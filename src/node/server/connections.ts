/** Tracks the connections of an HTTP server. Each has at most one request in progress, and at most one in flight. */
import type { ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { UnreadBytes } from './unread-bytes.ts'

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
  /** Whether the latest response is an event stream. */
  isEventStream: boolean
  /** The response that the latest sweep found unread, and the number of further sweeps that found it. */
  unread: ServerResponse | null
  sweeps: number
}

/** Sweeps within `readMs`. */
const SWEEPS = 8

export interface ConnectionsOptions {
  readonly unreadBytes: Pick<UnreadBytes, 'watch'>
  /** Milliseconds in which a client must read a whole response. Event streams are exempt. */
  readonly readMs: number
}

/**
 * A request is in flight from when all of it has been received until its response was handed to Node or
 * its connection closed. What a client does not send, or does not read, is therefore never in flight.
 */
export interface Connections {
  /**
   * Makes this the request in progress on its connection. Returns false if it must not be processed: it was
   * pipelined, or its connection is closed.
   */
  accept(response: ServerResponse): boolean
  /** Counts the request as in flight, unless its response was started already or its connection closed. */
  begin(response: ServerResponse): void
  /** Called when the response is handed to Node. Does nothing for a request that is not in flight. */
  end(response: ServerResponse): void
  /** Exempts an event stream from `readMs`: until it ends it may last for any time. */
  markEventStream(response: ServerResponse): void
  /** Whether a response has not been sent completely on this connection. */
  isBusy(socket: Socket): boolean
  /** How many requests are in flight. */
  inFlight(): number
  /** Responses that have not been sent completely, streams included. */
  unfinished(): readonly ServerResponse[]
}

export function createConnections({ unreadBytes, readMs }: ConnectionsOptions): Connections {
  /** Changes with each connection, not with each request. */
  const open = new Map<Socket, Connection>()
  let inFlight = 0
  /** One timer for all connections; null while there are none. */
  let sweeping: NodeJS.Timeout | null = null

  /** Disregards progress: a client that reads a few bytes at a time would keep a response for hours. */
  function sweep(): void {
    for (const connection of open.values()) {
      const { latest, unread, socket } = connection
      if (latest === null || !isWaitingForClient(connection, latest)) {
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
    // A response emits `close` for its connection only while it is the first one on it.
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
    inFlight: () => inFlight,
    unfinished: () =>
      [...open.values()].flatMap(({ latest }) =>
        latest !== null && isUnfinished(latest) ? [latest] : [],
      ),
  }
}

/** Whether the rest of this response depends only on the client's reading. */
function isWaitingForClient({ isEventStream }: Connection, latest: ServerResponse): boolean {
  if (!isUnfinished(latest)) return false
  return latest.writableEnded || (latest.headersSent && !isEventStream)
}

/** A client that has received all of a response may send its next request: that is not pipelining. */
function isUnfinished(response: ServerResponse): boolean {
  return !response.writableFinished && !response.destroyed
}

/**
 * The response in progress is the last on its connection. A client retries requests without a response.
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
