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
/** Bytes of a response that are little enough to be left to a client that does not read. */
const SMALL_BYTES = 64 * 1024
/** Milliseconds in which a client must read a whole response, whatever its progress. */
const MAX_READ_MS = 120_000
/** Bytes of unread responses of all connections together. */
const MAX_UNREAD_BYTES = 64 * 1024 * 1024

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
  /**
   * To be called after a large response was handed to Node: a client that reads too slowly is
   * disconnected, and the one with the most unread bytes when there are too many in all.
   */
  watchUnread(response: ServerResponse): void
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
  const unread = new Set<ServerResponse>()

  function endRequest(connection: Connection): void {
    if (connection.isInFlight) inFlight -= 1
    connection.isInFlight = false
  }

  function connectionOf(socket: Socket): Connection {
    const existing = open.get(socket)
    if (existing !== undefined) return existing
    const connection: Connection = { socket, latest: null, isInFlight: false, pipelined: 0 }
    open.set(socket, connection)
    // A response emits `close` for its connection only while it is the first one on it.
    socket.once('close', () => {
      endRequest(connection)
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
      endRequest(connection)
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
      if (connection?.latest === response) endRequest(connection)
    },
    watchUnread(response) {
      // Node writes at the end of the tick.
      setImmediate(() => {
        if (response.writableLength > SMALL_BYTES) addUnread(unread, response)
      })
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

function addUnread(unread: Set<ServerResponse>, response: ServerResponse): void {
  unread.add(response)
  const timer = setTimeout(() => response.destroy(), MAX_READ_MS)
  timer.unref()
  response.once('close', () => {
    clearTimeout(timer)
    unread.delete(response)
  })
  const largestFirst = [...unread].toSorted((a, b) => b.writableLength - a.writableLength)
  let bytes = largestFirst.reduce((sum, { writableLength }) => sum + writableLength, 0)
  for (const largest of largestFirst) {
    if (bytes <= MAX_UNREAD_BYTES) return
    bytes -= largest.writableLength
    largest.destroy()
  }
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
