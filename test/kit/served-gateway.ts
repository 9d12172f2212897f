/** A gateway of fixed responses, for tests of the HTTP server alone. */
import type { ServedGateway } from '../../src/node/server/http-server.ts'

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
