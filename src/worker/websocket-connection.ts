/** Carries GraphQL over one WebSocket of Workers: its messages, its end, and a pulse in between. */
import { closeReason } from '../http/graphql/websocket/close-reason.ts'
import { say } from '../http/handler.ts'
import { MAX_REQUEST_BYTES } from '../http/graphql/endpoint.ts'
import { createGuard } from '../shared/guard-listener.ts'
import { isKnownHost } from '../http/middleware/allowed-hosts.ts'
import type { SocketDoor } from '../http/graphql/websocket/websocket-server.ts'
import type { Log } from '../uploads/dependencies.ts'
import type { EndOfSocket } from './runtime-types.ts'
import { createUnread } from './unread-limit.ts'

/** Milliseconds between two pings, shorter than the idle limit of common proxies. */
const PING_MS = 12_000
const PROTOCOL = 'graphql-transport-ws'
/** https://www.iana.org/assignments/websocket */
const MESSAGE_TOO_BIG = 1009
const TRY_AGAIN_LATER = 1013
/** How the end of a connection is told apart that has no close frame. */
const ABNORMAL_CLOSURE = 1006
/** https://github.com/enisdenjo/graphql-ws/blob/master/PROTOCOL.md */
const BAD_REQUEST = 4400
const INTERNAL_SERVER_ERROR = 4500
const NO_ANSWER = 4408

export interface SocketCarrier {
  readonly door: SocketDoor
  /** Origins whose pages may open one; a client that is no browser names none. */
  readonly allowedOrigins: ReadonlySet<string>
  /** As `GatewayOptions` has them; null where any name will do. */
  readonly knownHosts: readonly string[] | null
  readonly log: Log
  /** Has the host wait for what came by a socket. */
  readonly keepAlive: (work: Promise<unknown>) => void
}

/** Answers the upgrade. A browser names the origin of its page, and no preflight protects a socket. */
export function carrySocket(carrier: SocketCarrier, request: Request): Response {
  const { origin: own, hostname } = new URL(request.url)
  if (carrier.knownHosts !== null && !isKnownHost(carrier.knownHosts, hostname)) {
    return say(421, 'Without tokens the gateway answers to addresses and local names only.')
  }
  const origin = request.headers.get('origin')
  if (origin !== null && origin !== own && !carrier.allowedOrigins.has(origin)) {
    return say(403, 'The page that asks is of an origin that is not let in.')
  }
  const offered = (request.headers.get('sec-websocket-protocol') ?? '').split(/\s*,\s*/)
  const protocol = offered.includes(PROTOCOL) ? PROTOCOL : ''
  const { 0: theirs, 1: ours } = new WebSocketPair()
  ours.accept()
  attach(carrier, ours, protocol)
  const headers: Record<string, string> =
    protocol === '' ? {} : { 'sec-websocket-protocol': protocol }
  const changed = { status: 101, webSocket: theirs, headers }
  return new Response(null, changed)
}

function attach(
  { door, log, keepAlive }: SocketCarrier,
  socket: EndOfSocket,
  protocol: string,
): void {
  let isOpen = true
  /** Whether anything came since the last beat. */
  let isAlive = true
  const guard = createGuard(log, () => close(INTERNAL_SERVER_ERROR, 'Internal server error'))
  const pulse = setInterval(guard(beat), PING_MS)

  /** The client is not waited for: one that has gone answers no close. */
  function close(code: number, reason: string): void {
    if (!isOpen) return
    end(code)
    try {
      socket.close(code, closeReason(reason))
    } catch (error) {
      log.debug({ err: error }, 'a socket could not be closed')
    }
  }

  function end(code: number): void {
    if (!isOpen) return
    isOpen = false
    clearInterval(pulse)
    connection.closed(code)
    keepAlive(connection.idle())
  }

  function transmit(text: string): void {
    if (!isOpen) return
    try {
      socket.send(text)
    } catch (error) {
      // The client has gone, and its close has not been told yet.
      log.debug({ err: error }, 'a message could not be sent')
      end(ABNORMAL_CLOSURE)
    }
  }

  const unread = createUnread({
    send: transmit,
    flushed: () => connection.flushed(),
    tooMuch: () => close(TRY_AGAIN_LATER, 'Too much is unread'),
  })
  const connection = door.open(
    {
      protocol,
      send(text) {
        transmit(text)
        return unread.sent(text.length)
      },
      close,
      onPong: (payload) => unread.onPong(payload),
    },
    null,
  )

  function beat(): void {
    if (!isAlive) {
      close(NO_ANSWER, 'Nobody answers')
      return
    }
    isAlive = false
    unread.ping()
  }

  socket.addEventListener(
    'message',
    guard(({ data }: { readonly data: unknown }) => {
      isAlive = true
      // Characters are fewer than bytes, but for a factor.
      if (typeof data !== 'string') close(BAD_REQUEST, 'Messages are text')
      else if (data.length > MAX_REQUEST_BYTES) close(MESSAGE_TOO_BIG, 'Too long')
      // What was begun is ended, though the socket be gone by then.
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
