/** One subscription over one SSE or WebSocket connection to one gateway. */
import { createClient as createSSEClient } from 'graphql-sse'
import { createClient as createSocketClient } from 'graphql-ws'
import { WebSocket } from 'ws'
import type { UploadPlan } from './creator-plans.ts'
import type { RetryingClient } from './retrying-client.ts'

export interface Connection {
  /** Throws when the connection is lost. */
  readonly results: AsyncIterable<unknown>
  close(): void
}

/** Connects to the client's current gateway, without retries. */
export function connect(
  client: RetryingClient,
  by: UploadPlan['watchesBy'],
  request: { readonly query: string; readonly variables?: Record<string, unknown> },
): Connection {
  const url = client.gateway()
  const authorization = `Bearer ${client.token}`
  if (by === 'SSE') {
    const connection = createSSEClient({
      url: `${url}/graphql`,
      headers: { authorization },
      retryAttempts: 0,
    })
    return { results: connection.iterate(request), close: () => connection.dispose() }
  }
  const connection = createSocketClient({
    url: `${url.replace('http', 'ws')}/graphql`,
    webSocketImpl: WebSocket,
    connectionParams: { authorization },
    retryAttempts: 0,
  })
  return { results: connection.iterate(request), close: () => connection.terminate() }
}
