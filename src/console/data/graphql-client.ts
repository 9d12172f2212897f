/** The gateway's data for one caller: a GraphQL client with a normalised cache, kept live. */
import { Client, fetchExchange, subscriptionExchange } from '@urql/core'
import type { GatewayDoor } from '../../client/gateway/request.ts'
import type { Session } from '../session.ts'
import { type Store, createStore } from '../store.ts'
import { createCache } from './cache.ts'
import { listenForChanges } from './sse-subscription.ts'

export interface GatewayData {
  readonly client: Client
  /** How often a live connection was made; null while there is none. */
  readonly connections: Store<number | null>
}

export function createGatewayData(url: string, session: Session, who: string): GatewayData {
  const connections = createStore<number | null>(null)
  let made = 0
  const door: GatewayDoor = { url, fetch: session.fetch, token: () => session.token(who) }
  const client = new Client({
    url,
    fetch: session.fetch,
    // Queries go by POST, as all doors of the gateway take JSON.
    preferGetMethod: false,
    fetchOptions: () => ({ headers: authorizationOf(session, who) }),
    exchanges: [
      createCache(),
      subscriptionExchange({
        forwardSubscription: ({ query = '', variables = {} }) => ({
          subscribe(sink) {
            const listening = new AbortController()
            void listenForChanges(
              door,
              { query, variables },
              {
                onOpen: () => connections.set((made += 1)),
                onLost: () => connections.set(null),
                onResult: (result) => sink.next(result),
              },
              listening.signal,
            )
            return { unsubscribe: () => listening.abort() }
          },
        }),
      }),
      fetchExchange,
    ],
  })
  return { client, connections }
}

function authorizationOf({ standing }: Session, who: string): Record<string, string> {
  const now = standing.get()
  if (now.kind === 'out' || now.who !== who || now.token === null) return {}
  return { authorization: `Bearer ${now.token}` }
}
