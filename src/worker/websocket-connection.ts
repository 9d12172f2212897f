/** Serves GraphQL over one WebSocket on Workers: messages, heartbeat and close. */
import { CloseCode, GRAPHQL_TRANSPORT_WS_PROTOCOL } from 'graphql-ws'
import { TRY_AGAIN_LATER } from '../http/graphql/websocket/connection-auth.ts'
import { closeReason } from '../http/graphql/websocket/close-reason.ts'
import { textResponse } from '../http/handler.ts'
import { MAX_REQUEST_BYTES } from '../http/graphql/endpoint.ts'
import { createGuard } from '../shared/guard-listener.ts'
import { isAllowedHost } from '../http/middleware/allowed-hosts.ts'
import { type GraphQLWebSocketServer, PING_MS } from '../http/graphql/websocket/websocket-server.ts'
import type { Logger } from '../shared/logger.ts'
import type { WorkerWebSocket } from './runtime-types.ts'
import { createUnread } from './unread-limit.ts'

/** Close code "Message Too Big". https://www.iana.org/assignments/websocket */
const MESSAGE_TOO_BIG = 1009

/** Close code reported for a connection that ended without a close frame. */
const ABNORMAL_CLOSURE = 1006

/** Close code for a client that does not respond to pings; graphql-ws defines none. */
const HEARTBEAT_TIMEOUT = 4408

export interface WebSocketHost {
  readonly server: GraphQLWebSocketServer
  /** Origins whose pages may connect; clients other than browsers send no origin. */
  readonly allowedOrigins: ReadonlySet<string>
  /** Allowed host names, as in `GatewayOptions`; null allows any host. */
  readonly allowedHosts: readonly string[] | null
  readonly log: Logger
  /** Extends the current event until the work settles. */
  readonly keepAlive: (work: Promise<unknown>) => void
}

/** Handles an upgrade request. Checks the origin, because browsers send no CORS preflight for WebSockets. */
export function acceptWebSocket(host: WebSocketHost, request: Request): Response {
  const { origin: gatewayOrigin, hostname } = new URL(request.url)
  if (host.allowedHosts !== null && !isAllowedHost(host.allowedHosts, hostname)) {
    return textResponse(
      421,
      'Host not allowed while authentication is disabled. Use an IP address or a local name, set PUBLIC_URL, or set AUTH_JWT_SECRET.',
    )
  }
  const origin = request.headers.get('origin')
  if (origin !== null && origin !== gatewayOrigin && !host.allowedOrigins.has(origin)) {
    return textResponse(403, 'Origin not allowed. Add it to ALLOWED_ORIGINS.')
  }
  const offered = (request.headers.get('sec-websocket-protocol') ?? '')
    .split(',')
    .map((name) => name.trim())
  const protocol = offered.includes(GRAPHQL_TRANSPORT_WS_PROTOCOL)
    ? GRAPHQL_TRANSPORT_WS_PROTOCOL
    : ''
  const { 0: clientSocket, 1: serverSocket } = new WebSocketPair()
  serverSocket.accept()
  attach(host, serverSocket, protocol)
  const headers: Record<string, string> =
    protocol === '' ? {} : { 'sec-websocket-protocol': protocol }
  const init = { status: 101, webSocket: clientSocket, headers }
  return new Response(null, init)
}

function attach(
  { server, log, keepAlive }: WebSocketHost,
  socket: WorkerWebSocket,
  protocol: string,
): void {
  let isOpen = true
  /** Whether a message arrived since the last heartbeat. */
  let isAlive = true
  const guard = createGuard(log, () =>
    close(CloseCode.InternalServerError, 'Internal server error'),
  )
  const heartbeatTimer = setInterval(guard(sendHeartbeat), PING_MS)

  /** Closes the socket without waiting for the client's close frame. */
  function close(code: number, reason: string): void {
    if (!isOpen) return
    end(code)
    try {
      socket.close(code, closeReason(reason))
    } catch (error) {
      log.debug({ err: error }, 'closing a WebSocket failed')
    }
  }

  function end(code: number): void {
    if (!isOpen) return
    isOpen = false
    clearInterval(heartbeatTimer)
    connection.closed(code)
    keepAlive(connection.idle())
  }

  function transmit(text: string): void {
    if (!isOpen) return
    try {
      socket.send(text)
    } catch (error) {
      // The client disconnected, and the close event is still pending.
      log.debug({ err: error }, 'sending a WebSocket message failed')
      end(ABNORMAL_CLOSURE)
    }
  }

  const unread = createUnread({
    send: transmit,
    flushed: () => connection.flushed(),
    onLimit: () => close(TRY_AGAIN_LATER, 'Too much unread data'),
  })
  const connection = server.open(
    {
      protocol,
      send(text) {
        transmit(text)
        return unread.countSent(text.length)
      },
      close,
      onPong: (payload) => unread.onPong(payload),
    },
    null,
  )

  function sendHeartbeat(): void {
    if (!isAlive) {
      close(HEARTBEAT_TIMEOUT, 'Heartbeat timeout')
      return
    }
    isAlive = false
    unread.ping()
  }

  socket.addEventListener(
    'message',
    guard(({ data }: { readonly data: unknown }) => {
      isAlive = true
      // UTF-16 length approximates the size in bytes.
      if (typeof data !== 'string') close(CloseCode.BadRequest, 'Binary messages are not supported')
      else if (data.length > MAX_REQUEST_BYTES) close(MESSAGE_TOO_BIG, 'Message too long')
      // Keeps the isolate alive until the operation ends, even if the socket closes first.
      else keepAlive(connection.receive(data))
    }),
  )
  socket.addEventListener(
    'close',
    guard(({ code }: { readonly code: number }) => end(code)),
  )
  socket.addEventListener(
    'error',
    guard(() => end(ABNORMAL_CLOSURE)),
  )
}
