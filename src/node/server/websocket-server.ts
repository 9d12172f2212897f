/** WebSockets on Node's HTTP server: checks upgrade requests, and closes with 1012 on shutdown. */
import { randomInt } from 'node:crypto'
import type { IncomingMessage, Server } from 'node:http'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { type WebSocket, WebSocketServer } from 'ws'
import { handleWebSocket } from './websocket-connection.ts'
import type { Gateway } from '../../http/gateway.ts'
import { endpointPath } from '../../http/endpoint-path.ts'
import { GRAPHQL_PATH, MAX_REQUEST_BYTES } from '../../http/graphql/endpoint.ts'
import { createGuard } from '../../shared/guard-listener.ts'
import { type Indexed, NOT_IN_SET, createIndexedSet } from '../../shared/indexed-set.ts'
import type { Logger } from '../../shared/logger.ts'
import type { Scheduling } from './accept-priority.ts'
import type { Turns } from './turns.ts'
import { hasTooManyHeaders } from './header-count.ts'
import { endSlicedReads } from './sliced-reads.ts'
import { createMessageQueue } from './message-queue.ts'
import type { UnreadBytes } from './unread-bytes.ts'
import { limitBytes, limitControlFrames } from './websocket-limits.ts'

/** "Service Restart": clients reconnect and subscribe again. https://www.iana.org/assignments/websocket */
const SERVICE_RESTART = 1012

/** Maximum frames of one message. `ws` keeps a few hundred bytes for each frame, regardless of its length. */
const MAX_FRAGMENTS = 64

/** Maximum chunks, as read from the connection, that `ws` buffers until their frame is complete. */
const MAX_BUFFERED_CHUNKS = 1024

/** Maximum sockets without an accepted `connection_init`. Each may buffer what `limitBytes` allows. */
const MAX_UNAUTHENTICATED = 4096

interface UnauthenticatedSocket extends Indexed {
  readonly socket: WebSocket
}

export interface WebSocketServerOptions {
  readonly log: Logger
  readonly unreadBytes: UnreadBytes
  readonly scheduling: Scheduling
  readonly eventTurns: Turns
  /** Whether a response on this connection has not been sent completely. */
  readonly isBusy: (socket: Socket) => boolean
  /** Called with the connection when its `connection_init` was accepted. */
  readonly onAccepted: (socket: Socket) => void
  /** Returns the network of the client's address, or null if unknown. */
  readonly networkOf: (request: IncomingMessage) => string | null
  /** Returns monotonic milliseconds. Replaced in tests. */
  readonly monotonicMs?: (() => number) | undefined
  /** Replaced in tests. */
  readonly maxUnauthenticated?: number | undefined
  /** Returns a random integer below the maximum. Replaced in tests. */
  readonly randomBelow?: ((maximum: number) => number) | undefined
}

export interface WebSocketShutdown {
  /**
   * Closes each socket after its running mutations, and disconnects clients that have not closed it `closeMs`
   * later, or `graceMs` after the call.
   */
  close(graceMs: number, closeMs: number): Promise<void>
}

/**
 * Accepts WebSocket upgrades on /graphql. Checks the Origin header, because browsers send no CORS preflight
 * for WebSockets. Accepts requests without an Origin, which do not come from a browser.
 */
export function attachWebSocketServer(
  server: Server,
  {
    webSockets: endpoint,
    fastPath,
    allowedOrigins,
  }: Pick<Gateway, 'webSockets' | 'fastPath' | 'allowedOrigins'>,
  {
    log,
    unreadBytes,
    scheduling,
    eventTurns,
    isBusy,
    onAccepted,
    networkOf,
    monotonicMs = () => performance.now(),
    maxUnauthenticated = MAX_UNAUTHENTICATED,
    randomBelow = randomInt,
  }: WebSocketServerOptions,
): WebSocketShutdown {
  const sockets = new WebSocketServer({
    noServer: true,
    maxPayload: MAX_REQUEST_BYTES,
    maxFragments: MAX_FRAGMENTS,
    maxBufferedChunks: MAX_BUFFERED_CHUNKS,
    // At most one message, ping or pong of each socket per tick: a single read may contain thousands.
    allowSynchronousEvents: false,
    handleProtocols: (protocols) =>
      protocols.has('graphql-transport-ws') ? 'graphql-transport-ws' : false,
  })
  const messageQueue = createMessageQueue(scheduling)
  /** Functions that resolve when no query and no mutation of the socket is running. */
  const idleWaits = new WeakMap<WebSocket, () => Promise<void>>()
  /** Sockets without an accepted `connection_init`. */
  const unauthenticated = createIndexedSet<UnauthenticatedSocket>()

  function upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    const destroy = (): void => void socket.destroy()
    // Node has removed its own listener. Without one, a client that resets the connection would end the process.
    socket.on('error', destroy)
    createGuard(log, destroy)(route)(request, socket, head)
  }

  function route(request: IncomingMessage, socket: Duplex, parsedHead: Buffer): void {
    const head = Buffer.concat([parsedHead, endSlicedReads(request.socket)])
    // Every request of a destroyed connection is an upgrade: see StoppableRequest.
    if (socket.destroyed) return
    if (isBusy(request.socket)) {
      // The upgrade was pipelined: the response in progress would be written between WebSocket frames.
      socket.destroy()
      return
    }
    if (hasTooManyHeaders(request)) {
      reject(socket, '431 Request Header Fields Too Large')
      return
    }
    if (request.headers.upgrade?.toLowerCase() !== 'websocket') {
      ignoreUpgrade(server, request, socket, head)
      return
    }
    accept(request, socket, head)
  }

  function accept(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    const { origin } = request.headers
    // Compared as text, because the request target may be an invalid URL.
    if (endpointPath(request.url ?? '') !== GRAPHQL_PATH) {
      reject(socket, '404 Not Found')
    } else if (origin !== undefined && !allowedOrigins.has(origin)) {
      reject(socket, '403 Forbidden')
    } else {
      const network = networkOf(request)
      sockets.handleUpgrade(request, socket, head, (opened) => {
        serve(opened, request.socket, network)
      })
    }
  }

  /** Not a closure of `accept`: it would keep the request, with its headers, as long as the socket. */
  function serve(opened: WebSocket, connection: Socket, network: string | null): void {
    const stopWaiting = awaitInit(opened, connection)
    limitControlFrames(opened, connection, monotonicMs)
    unreadBytes.watch(connection)
    const idle = handleWebSocket(
      {
        server: endpoint,
        fastPath,
        log,
        messageQueue,
        eventTurns,
        network,
        onAccepted() {
          stopWaiting()
          onAccepted(connection)
        },
        onWritten: unreadBytes.written,
      },
      opened,
    )
    idleWaits.set(opened, idle)
  }
  server.on('upgrade', upgrade)

  /**
   * At the limit a random socket is disconnected: an honest client needs one round trip, in which a flood of
   * upgrades would certainly disconnect it if the oldest were chosen.
   * @returns a function to call when the `connection_init` of the socket was accepted
   */
  function awaitInit(socket: WebSocket, connection: Socket): () => void {
    const size = unauthenticated.size()
    const evicted = size < maxUnauthenticated ? null : unauthenticated.at(randomBelow(size))
    if (evicted !== null) {
      unauthenticated.delete(evicted)
      evicted.socket.terminate()
    }
    const waiting = { socket, index: NOT_IN_SET }
    const stopCounting = limitBytes(socket, connection)
    function remove(): void {
      unauthenticated.delete(waiting)
      stopCounting()
    }
    unauthenticated.add(waiting)
    socket.once('close', remove)
    return remove
  }

  /** Closes a socket after its running mutations: clients retry a mutation without a result, so it would run twice. */
  async function closeForRestart(socket: WebSocket, closeMs: number): Promise<void> {
    await idleWaits.get(socket)?.()
    socket.close(SERVICE_RESTART, 'The gateway restarts. Reconnect.')
    const deadline = setTimeout(() => socket.terminate(), closeMs)
    socket.once('close', () => clearTimeout(deadline))
  }

  return {
    async close(graceMs, closeMs) {
      server.off('upgrade', upgrade)
      for (const socket of sockets.clients) void closeForRestart(socket, closeMs)
      const closed = new Promise((resolve) => sockets.close(resolve))
      const deadline = setTimeout(() => {
        for (const socket of sockets.clients) socket.terminate()
      }, graceMs)
      await closed
      clearTimeout(deadline)
    },
  }
}

/** Connection-level headers, which are removed from the request. */
const CONNECTION_HEADERS = /^(?:connection|upgrade|http2-settings)$/i

/**
 * Processes a request and ignores its upgrade, which the specification allows. Some clients offer an upgrade
 * to h2c to every server. Node's parser stops after the headers of an upgrade request, so the connection is
 * emitted again with rewritten headers. `connection: close` is added, because Node leaks listeners with each
 * such request. https://www.rfc-editor.org/rfc/rfc9110#section-7.8
 */
function ignoreUpgrade(
  server: Server,
  { method, url, httpVersion, rawHeaders }: IncomingMessage,
  socket: Duplex,
  head: Buffer,
): void {
  const lines = [`${method} ${url} HTTP/${httpVersion}`]
  for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
    const [name = '', value = ''] = rawHeaders.slice(index, index + 2)
    if (!CONNECTION_HEADERS.test(name)) lines.push(`${name}: ${value}`)
  }
  lines.push('connection: close', '', '')
  socket.unshift(Buffer.concat([Buffer.from(lines.join('\r\n'), 'latin1'), head]))
  server.emit('connection', socket)
}

/** Responds with this status and closes the connection. */
function reject(socket: Duplex, status: string): void {
  // Node no longer manages this socket: without these listeners, a client that does not read keeps it open.
  socket.once('finish', () => socket.destroy())
  socket.once('timeout', () => socket.destroy())
  socket.end(`HTTP/1.1 ${status}\r\nconnection: close\r\ncontent-length: 0\r\n\r\n`)
}
