/** Listens on a port with Node's own HTTP server, and hands each request on as a web Request. */
import { once, setMaxListeners } from 'node:events'
import {
  type IncomingMessage,
  type Server,
  type ServerOptions,
  type ServerResponse,
  createServer,
} from 'node:http'
import { type RequestAnswerer, createRequestAnswerer } from './request-handler.ts'
import type { TrustedProxies } from './client-address.ts'
import type { Gateway } from '../../http/gateway.ts'
import { listenForSockets } from './websocket-server.ts'
import type { Log } from '../../uploads/dependencies.ts'

/** What of a gateway answers whoever comes. */
export type AnsweringGateway = Pick<
  Gateway,
  'fetch' | 'lane' | 'noticeLane' | 'nextId' | 'besideDoors' | 'sockets' | 'allowedOrigins'
>

export interface Listener {
  /** Where it listens, with the port that was picked. */
  readonly url: string
  /** Who answers from now on; until then every answer is 503. */
  answerWith(gateway: AnsweringGateway, log: Log): void
  /** How much is under way, for metrics. */
  load(): ReturnType<RequestAnswerer['load']>
  /** Takes no more requests, lets those under way finish for so long, then cuts what is left. */
  close(graceMs: number): Promise<void>
}

/** Until there is somebody to answer. */
function starting(_request: IncomingMessage, response: ServerResponse): void {
  response.writeHead(503, { 'retry-after': '1', 'content-type': 'text/plain; charset=utf-8' })
  response.end('Starting.\n')
}

/** What a client may take of time, in milliseconds. */
interface Patience {
  /** Until all headers of a request are there. */
  readonly headersMs: number
  /** Until all of a request is there: its body has 256 KiB at most. */
  readonly requestMs: number
  /** Without a byte either way: a client that reads nothing for so long is cut off. Streams have heartbeats. */
  readonly stalledMs: number
}

const PATIENCE: Patience = { headersMs: 10_000, requestMs: 30_000, stalledMs: 120_000 }
/** Longer than proxies keep an idle connection, so that it is never closed under a request. */
const KEEP_ALIVE_MS = 65_000
/** Connections that wait to be taken: a crowd that comes at once is refused by us, not by the system. */
const BACKLOG = 4096
/** Bytes of all headers: a token of 4 KiB, and the metadata that a tus creation may carry. */
const MAX_HEADER_BYTES = 24 * 1024
const MAX_HEADERS = 100

/** Where to listen, and whom to believe. */
export interface ListenOptions {
  readonly host: string
  readonly port: number
  readonly trustedProxies: TrustedProxies
  readonly patience?: Patience
}

/** Rejects where the address cannot be had, with a sentence that says which. */
export async function listen(options: ListenOptions): Promise<Listener> {
  const { host, port, trustedProxies, patience = PATIENCE } = options
  let answerer: RequestAnswerer = {
    listener: starting,
    unanswered: () => [],
    isBusy: () => false,
    load: () => ({ rejected: 0, inFlight: 0, queued: 0, rejectingForMs: null }),
  }
  let draining = false
  const limits: ServerOptions = {
    maxHeaderSize: MAX_HEADER_BYTES,
    headersTimeout: patience.headersMs,
    requestTimeout: patience.requestMs,
    connectionsCheckingInterval: Math.min(1000, patience.headersMs),
    keepAliveTimeout: KEEP_ALIVE_MS,
  }
  const server = createServer(limits, (request, response) => {
    if (draining) response.shouldKeepAlive = false
    answerer.listener(request, response)
  })
  server.maxHeadersCount = MAX_HEADERS
  server.setTimeout(patience.stalledMs)
  let sockets: ReturnType<typeof listenForSockets> | null = null

  await bind(server, host, port)
  return {
    url: urlOf(server, host),
    answerWith(gateway, log) {
      answerer = createRequestAnswerer({ gateway, log, trustedProxies })
      sockets = listenForSockets(server, gateway, log, answerer.isBusy)
    },
    load: () => answerer.load(),
    async close(graceMs) {
      draining = true
      const startedAt = performance.now()
      // Clients are told that their connections take no further request.
      const underWay = answerer.unanswered()
      for (const response of underWay) response.shouldKeepAlive = false
      // Until these are answered, whoever comes is answered too: a probe hears that we are not ready.
      await Promise.all([untilSent(underWay, graceMs), sockets?.close(graceMs)])
      const left = (): number => Math.max(0, graceMs - (performance.now() - startedAt))
      await untilSent(answerer.unanswered(), left())
      // What is open by now waits for nothing of ours, such as a body that was refused half-way.
      await drain(server, Math.min(left(), LINGER_MS))
    },
  }
}

function bind(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      const taken =
        error.code === 'EADDRINUSE' ? ': it is in use. Set PORT to another, or to 0' : ''
      reject(new Error(`Cannot listen on ${host}:${port}${taken}.`, { cause: error }))
    })
    server.listen({ port, host, backlog: BACKLOG }, resolve)
  })
}

function urlOf(server: Server, host: string): string {
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('The server has no port.')
  const shown =
    host === '0.0.0.0'
      ? '127.0.0.1'
      : host === '::'
        ? '[::1]'
        : host.includes(':')
          ? `[${host}]`
          : host
  return `http://${shown}:${address.port}`
}

/** Resolves when each of these was sent completely or its connection closed, or after so long. */
async function untilSent(responses: readonly ServerResponse[], graceMs: number): Promise<void> {
  const late = new AbortController()
  const deadline = setTimeout(() => late.abort(), graceMs)
  const { signal } = late
  setMaxListeners(0, signal)
  const sent = responses.map((response) =>
    Promise.race([once(response, 'finish', { signal }), once(response, 'close', { signal })]),
  )
  await Promise.allSettled(sent)
  clearTimeout(deadline)
}

/** How long a connection may stand that has been answered and is not idle, in milliseconds. */
const LINGER_MS = 1000

/** Milliseconds between two looks for connections that have fallen idle. */
const IDLE_CHECK_MS = 50

function drain(server: Server, graceMs: number): Promise<void> {
  return new Promise((resolve) => {
    const deadline = setTimeout(() => server.closeAllConnections(), graceMs)
    // A connection that falls idle while the server closes would keep it open.
    const check = setInterval(() => server.closeIdleConnections(), IDLE_CHECK_MS)
    server.close(() => {
      clearTimeout(deadline)
      clearInterval(check)
      resolve()
    })
    server.closeIdleConnections()
  })
}
