/** A gateway for tests of the HTTP server: a function responds to every request. */
import type { ServedGateway } from '../../src/node/server/http-server.ts'

/** Without a fast path, webhooks and subscriptions; an accepted WebSocket responds to nothing. */
export function servedGateway(fetch: ServedGateway['fetch']): ServedGateway {
  return {
    fetch,
    fastPath: {
      handle: () => null,
      learn: () => {},
      subscribe: () => null,
      learnSubscription: () => {},
    },
    webhookFastPath: {
      path: '/webhooks/stream',
      mostBytes: 0,
      isOpenFor: () => false,
      answer: async () => ({ status: 200, headers: [], text: '' }),
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
