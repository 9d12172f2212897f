/** Carries GraphQL over one WebSocket of Workers: its messages, its end, and a pulse in between. */
import type { Server } from 'graphql-ws'
import { say } from '../http/door.ts'
import { MAX_REQUEST_BYTES } from '../http/graphql-address.ts'
import { isKnownHost } from '../http/known-hosts.ts'
import type { SocketExtra } from '../http/socket.ts'
import type { Log } from '../uploads/parts.ts'
import type { EndOfSocket } from './runtime.ts'

/** Milliseconds between two pings, shorter than the idle limit of common proxies. */
const PING_MS = 12_000
const PROTOCOL = 'graphql-transport-ws'
/** https://www.iana.org/assignments/websocket */
const MESSAGE_TOO_BIG = 1009
/** https://github.com/enisdenjo/graphql-ws/blob/master/PROTOCOL.md */
const BAD_REQUEST = 4400
const INTERNAL_SERVER_ERROR = 4500
const NO_ANSWER = 4408

export interface SocketCarrier {
  readonly graphql: Server<SocketExtra>
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
  { graphql, log, keepAlive }: SocketCarrier,
  socket: EndOfSocket,
  protocol: string,
): void {
  let receive: ((text: string) => Promise<void>) | null = null
  let isOpen = true
  /** Whether anything came since the last ping. */
  let isAlive = true
  /** Null until graphql-ws has it, which may close it at once. */
  let closed: ((code: number, reason: string) => Promise<void>) | null = null
  const pulse = setInterval(beat, PING_MS)

  const close = (code: number, reason: string): void => {
    // A reason has at most 123 bytes: https://www.rfc-editor.org/rfc/rfc6455#section-5.5
    if (!isOpen) return
    socket.close(code, reason)
    // Whoever has gone answers no close: what was opened for it is ended by us.
    end(code, reason)
  }
  const fail = (error: unknown): void => {
    if (isClientsFault(error)) {
      close(BAD_REQUEST, 'No client sends such a message')
      return
    }
    log.error({ err: error }, 'unexpected error')
    close(INTERNAL_SERVER_ERROR, 'Internal server error')
  }

  closed = graphql.opened(
    {
      protocol,
      send(text) {
        if (isOpen) socket.send(text)
      },
      close,
      onMessage(callback) {
        receive = callback
      },
    },
    { close },
  )
  function beat(): void {
    if (!isAlive) {
      close(NO_ANSWER, 'Nobody answers')
      return
    }
    isAlive = false
    socket.send('{"type":"ping"}')
  }

  function end(code: number, reason: string): void {
    if (!isOpen) return
    isOpen = false
    clearInterval(pulse)
    if (closed !== null) keepAlive(closed(code, reason).catch(fail))
  }

  socket.addEventListener('message', ({ data }) => {
    isAlive = true
    // Characters are fewer than bytes, but for a factor.
    if (typeof data !== 'string') close(BAD_REQUEST, 'Messages are text')
    else if (data.length > MAX_REQUEST_BYTES) close(MESSAGE_TOO_BIG, 'Too long')
    // What was begun is ended, though the socket be gone by then.
    else if (receive !== null) keepAlive(receive(data).catch(fail))
  })
  socket.addEventListener('close', ({ code, reason }) => end(code, reason))
  socket.addEventListener('error', () => end(INTERNAL_SERVER_ERROR, ''))
}

/** graphql-ws throws at messages that only a server sends, and payloads can be deeper than the stack. */
function isClientsFault(error: unknown): boolean {
  return (
    error instanceof RangeError ||
    (error instanceof Error && error.message.startsWith('Unexpected message of type'))
  )
}
