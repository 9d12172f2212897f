/** A gateway of fixed responses, and an HTTP server for it, for tests of the HTTP server alone. */
import { BlockList } from 'node:net'
import { onTestFinished } from 'vitest'
import type { SocketSink } from '../../src/http/graphql/websocket/connection-output.ts'
import {
  type HttpServer,
  type HttpServerOptions,
  type ServedGateway,
  startHttpServer,
} from '../../src/node/server/http-server.ts'

/** Starts a server on a free local port, which trusts no proxy, and closes it when the test ends. */
export async function startTestServer(
  options: Partial<HttpServerOptions> = {},
): Promise<HttpServer> {
  const address = { host: '127.0.0.1', port: 0, trustedProxies: new BlockList() }
  const server = await startHttpServer({ ...address, ...options })
  onTestFinished(() => server.close(0))
  return server
}

/** Starts a server that serves a gateway with these members. */
export async function serveInTest(
  gateway: Partial<ServedGateway>,
  options: Partial<HttpServerOptions> = {},
): Promise<HttpServer> {
  const server = await startTestServer(options)
  server.serve(servedGateway(gateway), silentLogger)
  return server
}

/**
 * Responds to every HTTP request with an empty 200, ignores WebSocket messages and has no fast path, unless a test
 * replaces these members.
 */
export function servedGateway(gateway: Partial<ServedGateway>): ServedGateway {
  return {
    fetch: async () => new Response(),
    fastPath: {
      handle: () => null,
      recordFallback: () => {},
      subscribe: () => null,
      recordSubscription: () => {},
    },
    nextRequestId: () => 'one',
    hostResponses: { headers: () => [], record: () => {} },
    webSockets: webSocketsWith(() => {}),
    allowedOrigins: new Set(),
    ...gateway,
  }
}

/**
 * WebSockets without a protocol.
 * @param receive called with each message
 * @param closed called when a socket has closed
 */
export function webSocketsWith(
  receive: (sink: SocketSink, message: string) => void | Promise<void>,
  closed: () => void = () => {},
): ServedGateway['webSockets'] {
  return {
    open: (sink) => ({
      receive: async (message) => receive(sink, message),
      flushed: () => {},
      closed,
      idle: async () => {},
    }),
  }
}

/** Accepts each WebSocket with its first message. */
export const acceptingWebSockets = webSocketsWith((sink) => {
  sink.onAccepted?.('ada')
  sink.send('accepted')
})

export const silentLogger = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} }
