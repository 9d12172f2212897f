/** One connection to one gateway, by which a subscription is read until either side ends it. */
import { createClient as createSSEClient } from 'graphql-sse'
import { createClient as createSocketClient } from 'graphql-ws'
import { WebSocket } from 'ws'
import type { Item } from './creator-plans.ts'
import type { Line } from './retrying-client.ts'

export interface Connection {
  /** Throws where the connection is cut. */
  readonly results: AsyncIterable<unknown>
  close(): void
}

/** To the gateway that the line asks now. */
export function connect(
  line: Line,
  by: Item['watchesBy'],
  request: { readonly query: string; readonly variables?: Record<string, unknown> },
): Connection {
  const url = line.gateway()
  const authorization = `Bearer ${line.token}`
  if (by === 'SSE') {
    const client = createSSEClient({
      url: `${url}/graphql`,
      headers: { authorization },
      retryAttempts: 0,
    })
    return { results: client.iterate(request), close: () => client.dispose() }
  }
  const client = createSocketClient({
    url: `${url.replace('http', 'ws')}/graphql`,
    webSocketImpl: WebSocket,
    connectionParams: { authorization },
    retryAttempts: 0,
  })
  return { results: client.iterate(request), close: () => client.terminate() }
}
