/** GraphQL client of one user: urql with SSE subscriptions. */
import { Client, fetchExchange, subscriptionExchange } from '@urql/core'
import type { GatewayEndpoint } from '../../client/gateway/request.ts'
import type { Session } from '../session.ts'
import { type Store, createStore } from '../store.ts'
import { subscribeOverSSE } from './sse-subscription.ts'

/** Of the list's subscription: not yet open, open, never opened so far, or lost. */
export type Connection = 'connecting' | 'live' | 'unreachable' | 'reconnecting'

export interface GatewayClient {
  readonly client: Client
  readonly connection: Store<Connection>
}

export function createGatewayClient(url: string, session: Session, user: string): GatewayClient {
  const connection = createStore<Connection>('connecting')
  const endpoint: GatewayEndpoint = { url, fetch: session.fetch, token: () => session.token(user) }
  const client = new Client({
    url,
    fetch: session.fetch,
    // The gateway accepts queries as JSON by POST.
    preferGetMethod: false,
    fetchOptions: () => ({ headers: authorizationOf(session, user) }),
    exchanges: [
      subscriptionExchange({
        forwardSubscription: ({ query = '', variables = {} }) => ({
          subscribe(sink) {
            const abortController = new AbortController()
            void subscribeOverSSE(
              endpoint,
              { query, variables },
              {
                onOpen: () => connection.set('live'),
                onLost: () => connection.set(lost(connection.get())),
                onResult: (result) => sink.next(result),
              },
              abortController.signal,
            )
            return { unsubscribe: () => abortController.abort() }
          },
        }),
      }),
      fetchExchange,
    ],
  })
  return { client, connection }
}

function lost(before: Connection): Connection {
  return before === 'live' || before === 'reconnecting' ? 'reconnecting' : 'unreachable'
}

function authorizationOf({ authState }: Session, user: string): Record<string, string> {
  const current = authState.get()
  if (current.kind === 'signed-out' || current.user !== user || current.token === null) return {}
  return { authorization: `Bearer ${current.token}` }
}
