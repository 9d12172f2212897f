/** A gateway for tests of the HTTP server: a function responds to every request. */
import type { ServedGateway } from '../../src/node/server/http-server.ts'

/** Without a fast path and subscriptions; an accepted WebSocket responds to nothing. */
export function servedGateway(fetch: ServedGateway['fetch']): ServedGateway {
  return {
    fetch,
    fastPath: {
      handle: () => null,
      learn: () => {},
      subscribe: () => null,
      learnSubscription: () => {},
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
  }
}
