/** The connections of the HTTP server: at most a fixed number, and one request in progress on each. */
import type { ServerResponse } from 'node:http'
import { isIP, type Socket } from 'node:net'

import { MAX_CONNECTIONS, MAX_PIPELINED } from './limits.ts'

interface Connection {
  readonly socket: Socket
  readonly network: string
  /** Start of the latest request, or of the connection, in milliseconds of a monotonic clock. */
  since: number
  /** Bytes in both directions until the end of the response before. */
  bytesBefore: number
  /** Whether a request on it had the API token. */
  hadToken: boolean
  /** The response to the latest request that was accepted; null before the first. */
  latest: ServerResponse | null
  pipelined: number
}

/** Counted for each request, so that one that has just started is not slower than those that hardly send. */
const START_BYTES = 512

/** No network has this name. */
const TOKEN_CLIENT = 'token'

export class Connections {
  readonly #open = new Map<Socket, Connection>()

  /**
   * Adds a connection. At the maximum, closes another of the client with the most connections, or this one if all
   * others had the token: a client that holds connections without using them keeps no other from being served.
   */
  open(socket: Socket): void {
    if (this.#open.size >= MAX_CONNECTIONS && !this.#closeOther()) {
      socket.destroy()
      return
    }
    this.#open.set(socket, {
      socket,
      network: networkOf(socket),
      since: performance.now(),
      bytesBefore: 0,
      hadToken: false,
      latest: null,
      pipelined: 0,
    })
    socket.once('close', () => this.#open.delete(socket))
  }

  /** Exempts a connection from being closed for others: its client has sent the API token. */
  keep(socket: Socket): void {
    const connection = this.#open.get(socket)
    if (connection !== undefined) connection.hadToken = true
  }

  /** Returns the client whose turns requests on this connection take: one for all that have sent the token, or its network. */
  clientOf(socket: Socket): string {
    const connection = this.#open.get(socket)
    if (connection === undefined) return networkOf(socket)
    return connection.hadToken ? TOKEN_CLIENT : connection.network
  }

  /**
   * Makes this the request in progress on its connection. Returns false if it must not be processed: it
   * was pipelined, or its connection is closed. Node emits no `close` for a response while another is
   * in progress on its connection, so that a pipelined request would hold its resources forever.
   */
  accept(response: ServerResponse): boolean {
    const { socket } = response.req
    const connection = this.#open.get(socket)
    if (connection === undefined || socket.destroyed) return false
    // A client that has received a whole response may send its next request: that is not pipelining.
    if (connection.latest !== null && !connection.latest.writableFinished) {
      rejectPipelined(connection, connection.latest)
      return false
    }
    connection.latest = response
    connection.since = performance.now()
    // Not now: the parser may have read a part of the body already.
    response.once('finish', () => {
      connection.bytesBefore = bytesOf(socket)
    })
    return true
  }

  /** Returns false if all connections had the token. */
  #closeOther(): boolean {
    const candidates = [...this.#open.values()].filter(({ hadToken }) => !hadToken)
    const counts = new Map<string, number>()
    for (const { network } of candidates) counts.set(network, (counts.get(network) ?? 0) + 1)
    const most = Math.max(...counts.values())
    const now = performance.now()
    const [first] = candidates
      .filter(({ network }) => counts.get(network) === most)
      .map((connection) => ({
        socket: connection.socket,
        need: needOf(connection),
        rate: rateOf(connection, now),
      }))
      .toSorted((a, b) => a.need - b.need || a.rate - b.rate)
    if (first === undefined) return false
    first.socket.destroy()
    this.#open.delete(first.socket)
    return true
  }
}

/** Returns the /64 of an IPv6 address, because one client may use all of its addresses. */
function networkOf({ remoteAddress = '' }: Socket): string {
  const address = remoteAddress.replace(/^::ffff:(?=[\d.]+$)/i, '')
  if (isIP(address) !== 6) return address
  const [start = '', end] = address.split('::')
  const groups = start === '' ? [] : start.split(':')
  // Four zeros are enough, because only the first four groups are returned.
  const zeros = end === undefined ? [] : ['0', '0', '0', '0']
  return [...groups, ...zeros].slice(0, 4).join(':')
}

function bytesOf({ bytesRead, bytesWritten }: Socket): number {
  return bytesRead + bytesWritten
}

/** Bytes per millisecond since the start of the latest request. */
function rateOf({ socket, since, bytesBefore }: Connection, now: number): number {
  return (START_BYTES + bytesOf(socket) - bytesBefore) / (now - since)
}

/**
 * Connections with a lower number are closed first, and of equal ones the slowest. 0: the response was sent, and only
 * the rest of the body is discarded. 1: the client sends or reads. 2: the client waits for the emulator, and has no way
 * to be faster.
 */
function needOf({ latest }: Connection): 0 | 1 | 2 {
  if (latest === null) return 1
  if (latest.headersSent) return latest.req.complete ? 1 : 0
  return latest.req.complete ? 2 : 1
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
