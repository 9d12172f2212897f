/** Node's HTTP server with the gateway's limits and a graceful shutdown. */
import {
  type IncomingMessage,
  type Server,
  type ServerOptions,
  type ServerResponse,
  createServer,
} from 'node:http'
import { type RequestHandler, createRequestHandler } from './request-handler.ts'
import type { TrustedProxies } from '../../config/trusted-proxies.ts'
import type { Gateway } from '../../http/gateway.ts'
import { TUS_VERSION, isTusTarget } from '../../http/tus/tus-request.ts'
import { type Scheduling, createScheduling } from './accept-priority.ts'
import { createConnectionLimit } from './connection-limit.ts'
import { readInSlices } from './sliced-reads.ts'
import { StoppableRequest } from './stoppable-request.ts'
import { drain, waitUntilSent } from './shutdown.ts'
import { createTurns } from './turns.ts'
import { MAX_HEADERS, SHOWN_HEADERS, hasTooManyHeaders } from './header-count.ts'
import { type Rejection, rejectRequest } from './reject-request.ts'
import { createRequestInfoReader } from './request-info.ts'
import { attachWebSocketServer } from './websocket-server.ts'
import { createUnreadBytes } from './unread-bytes.ts'
import type { Logger } from '../../shared/logger.ts'

/** The members of a gateway that serve requests. */
export type ServedGateway = Pick<
  Gateway,
  'fetch' | 'fastPath' | 'nextRequestId' | 'hostResponses' | 'webSockets' | 'allowedOrigins'
>

export interface HttpServer {
  /** Base URL with the actual port. */
  readonly url: string
  /** Sets the gateway that serves requests; before that, valid requests get 503. */
  serve(gateway: ServedGateway, log: Logger): void
  /** The current load, for metrics and readiness. */
  load(): ReturnType<RequestHandler['load']>
  /**
   * Shuts down gracefully. Serves requests until the responses in progress have been sent, then stops accepting
   * connections. Closes connections with incomplete requests after `shutdownMs`, and all others after `graceMs`.
   */
  close(graceMs: number): Promise<void>
}

/** Adds the version to all responses, because Node and the load shedder create some of them. */
function setTusVersion({ url = '' }: IncomingMessage, response: ServerResponse): void {
  if (isTusTarget(url)) response.setHeader('tus-resumable', TUS_VERSION)
}

/** Until `serve` is called. */
const STARTING: Rejection = {
  status: 503,
  text: 'Starting.\n',
  headers: { 'retry-after': '1' },
}

/** To an `Expect` other than `100-continue`. Node's own response would not limit the body. */
const UNKNOWN_EXPECTATION: Rejection = {
  status: 417,
  text: 'Unknown expectation. Expect 100-continue, or nothing.\n',
}

const TOO_MANY_HEADERS: Rejection = {
  status: 431,
  text: `Too many headers (limit: ${MAX_HEADERS}).\n`,
}

const NO_HOST: Rejection = { status: 400, text: 'The Host header is missing.\n' }

/** https://www.rfc-editor.org/rfc/rfc9112#section-3.2-6 */
function lacksHost({ httpVersion, headers }: IncomingMessage): boolean {
  return headers.host === undefined && httpVersion !== '1.0'
}

/** Request timeouts, in milliseconds. */
interface RequestTimeouts {
  /** Until all headers of a request have been received. */
  readonly headersMs: number
  /** Until the whole request has been received; bodies have 256 KiB at most. */
  readonly requestMs: number
  /** Without a byte in either direction: disconnects clients that do not read. Streams have heartbeats. */
  readonly stalledMs: number
  /** Until the client has read a whole response, regardless of progress. Event streams are exempt. */
  readonly readMs: number
  /** During a shutdown: until a request that has begun has been received, and a WebSocket has closed. */
  readonly shutdownMs: number
}

const REQUEST_TIMEOUTS: RequestTimeouts = {
  headersMs: 10_000,
  requestMs: 30_000,
  stalledMs: 120_000,
  readMs: 120_000,
  shutdownMs: 3000,
}

/** Longer than proxies keep idle connections: the gateway must not close one while a request is being sent. */
const KEEP_ALIVE_MS = 65_000

/** Accept queue: the load shedder, not the operating system, must reject requests of a burst. */
const BACKLOG = 4096

/**
 * Maximum open connections, WebSockets included. Each needs an open file: without a maximum the process runs out
 * of them, and then the database and Stream fail too. Above the 10,000 subscribers that the benchmark serves, and
 * below the usual limits of open files (`ulimit -n`).
 */
const MAX_CONNECTIONS = 16_000

/** Maximum size of all headers in bytes: a token of 4 KiB and the metadata of a tus creation. */
const MAX_HEADER_BYTES = 24 * 1024

export interface HttpServerOptions {
  readonly host: string
  readonly port: number
  readonly trustedProxies: TrustedProxies
  /** Shared with all other work for clients; default: its own. */
  readonly scheduling?: Scheduling
  readonly timeouts?: RequestTimeouts
  /** Replaced in tests. */
  readonly maxConnections?: number
  /** Replaced in tests, which decide which clients have stopped reading, or send too much at a time. */
  readonly monotonicMs?: () => number
  /** Replaced in tests. */
  readonly maxUnauthenticated?: number
  /** Replaced in tests. */
  readonly randomBelow?: (maximum: number) => number
}

/** Starts listening. Rejects with a message that names the address if it is unavailable. */
export async function startHttpServer(options: HttpServerOptions): Promise<HttpServer> {
  const { host, port, trustedProxies, timeouts = REQUEST_TIMEOUTS } = options
  const { scheduling = createScheduling() } = options
  let handler: RequestHandler = {
    listener: (_request, response) => reject(response, STARTING),
    connections: {
      accept: () => true,
      isBusy: () => false,
      isWaitingForClient: () => true,
      unfinished: () => [],
    },
    load: () => ({ rejected: 0, inFlight: 0, queued: 0, rejectingForMs: null }),
  }
  function reject(response: ServerResponse, rejection: Rejection): void {
    rejectRequest(response, rejection, handler.connections)
  }
  let draining = false
  const unreadBytes = createUnreadBytes(options.monotonicMs)
  const eventTurns = createTurns(scheduling)
  const limits: ServerOptions<typeof StoppableRequest> = {
    IncomingMessage: StoppableRequest,
    // Node would respond without emitting the request, so that such requests could be pipelined without a limit.
    requireHostHeader: false,
    maxHeaderSize: MAX_HEADER_BYTES,
    headersTimeout: timeouts.headersMs,
    requestTimeout: timeouts.requestMs,
    connectionsCheckingInterval: Math.min(1000, timeouts.headersMs),
    keepAliveTimeout: KEEP_ALIVE_MS,
  }
  const server = createServer(limits, (request, response) => {
    setTusVersion(request, response)
    if (draining) response.shouldKeepAlive = false
    if (hasTooManyHeaders(request)) reject(response, TOO_MANY_HEADERS)
    else if (lacksHost(request)) reject(response, NO_HOST)
    else handler.listener(request, response)
  })
  const { maxConnections = MAX_CONNECTIONS, randomBelow } = options
  const connectionLimit = createConnectionLimit({
    maxConnections,
    isWaitingForClient: (socket) => handler.connections.isWaitingForClient(socket),
    randomBelow,
  })
  server.on('connection', (socket) => {
    readInSlices(socket)
    scheduling.acceptPriority.connectionAccepted()
    connectionLimit.open(socket)
  })
  server.on('checkExpectation', (request: IncomingMessage, response: ServerResponse) => {
    setTusVersion(request, response)
    reject(response, UNKNOWN_EXPECTATION)
  })
  server.maxHeadersCount = SHOWN_HEADERS
  server.setTimeout(timeouts.stalledMs)
  let sockets: ReturnType<typeof attachWebSocketServer> | null = null

  await bind(server, host, port)
  return {
    url: urlOf(server, host),
    serve(gateway, log) {
      const { readMs } = timeouts
      handler = createRequestHandler({
        gateway,
        log,
        trustedProxies,
        unreadBytes,
        eventTurns,
        readMs,
        scheduling,
      })
      const { connections } = handler
      const { networkOf } = createRequestInfoReader(gateway.nextRequestId, trustedProxies)
      const { monotonicMs, maxUnauthenticated } = options
      sockets = attachWebSocketServer(server, gateway, {
        log,
        unreadBytes,
        eventTurns,
        scheduling,
        isBusy: (socket) => connections.isBusy(socket),
        onAccepted: (socket) => connectionLimit.keep(socket),
        networkOf,
        monotonicMs,
        maxUnauthenticated,
        randomBelow,
      })
    },
    load: () => handler.load(),
    async close(graceMs) {
      draining = true
      const startedAt = performance.now()
      // `Connection: close` tells clients to send no further request on this connection.
      const inProgress = handler.connections.unfinished()
      for (const response of inProgress) response.shouldKeepAlive = false
      // New requests are still served during the drain, so that readiness probes receive 503.
      const { shutdownMs } = timeouts
      await Promise.all([
        waitUntilSent(inProgress, graceMs, shutdownMs),
        sockets?.close(graceMs, shutdownMs),
      ])
      const remainingMs = (): number => Math.max(0, graceMs - (performance.now() - startedAt))
      await waitUntilSent(handler.connections.unfinished(), remainingMs(), shutdownMs)
      // The remaining connections wait for their clients, as after a body that was rejected half-way.
      await drain(server, connectionLimit, remainingMs())
    },
  }
}

function bind(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      const explanation =
        error.code === 'EADDRINUSE' ? ': the port is in use. Set PORT to another port, or to 0' : ''
      reject(new Error(`Cannot listen on ${host}:${port}${explanation}.`, { cause: error }))
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
