/** A gateway of fixed responses, for tests of the HTTP server alone. */
import type { ServedGateway } from '../../src/node/server/http-server.ts'

/** Accepts no WebSocket message, no webhook and no fast path, unless a test replaces these parts. */
export function servedGateway(
  parts: Pick<ServedGateway, 'fetch'> & Partial<ServedGateway>,
): ServedGateway {
  return {
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
    ...parts,
  }
}

export const silentLogger = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} }
