/** A gateway of fixed responses, and an HTTP server for it, for tests of the HTTP server alone. */
import { BlockList } from 'node:net'
import { onTestFinished } from 'vitest'
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

/** Accepts no WebSocket message and has no fast path, unless a test replaces these members. */
export function servedGateway(
  gateway: Pick<ServedGateway, 'fetch'> & Partial<ServedGateway>,
): ServedGateway {
  return {
    fastPath: {
      handle: () => null,
      recordFallback: () => {},
      subscribe: () => null,
      recordSubscription: () => {},
    },
    nextRequestId: () => 'one',
    hostResponses: { headers: () => [], record: () => {} },
    webSockets: {
      open: () => ({
        receive: async () => {},
        flushed: () => {},
        closed: () => {},
        idle: async () => {},
      }),
    },
    allowedOrigins: new Set(),
    ...gateway,
  }
}

export const silentLogger = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} }
