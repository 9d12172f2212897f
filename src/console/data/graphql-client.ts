/** GraphQL client of one user: urql with a normalized cache and SSE subscriptions. */
import { Client, fetchExchange, subscriptionExchange } from '@urql/core'
import { cacheExchange } from '@urql/exchange-graphcache'
import { relayPagination } from '@urql/exchange-graphcache/extras'
import type { GatewayEndpoint } from '../../client/gateway/request.ts'
import type { Session } from '../session.ts'
import { type Store, createStore } from '../store.ts'
import { subscribeOverSSE } from './sse-subscription.ts'

/** Types without an `id`, which the cache embeds in their parents. */
const TYPES_WITHOUT_ID = [
  'Caller',
  'CallerLimits',
  'ConflictError',
  'ForbiddenError',
  'InputIssue',
  'InvalidInputError',
  'PageInfo',
  'QuotaExceededError',
  'RateLimitedError',
  'StorageUsage',
  'StreamError',
  'UpdateUploadSuccess',
  'UploadConnection',
  'UploadConstraints',
  'UploadEdge',
  'UploadFailure',
  'UploadNotFoundError',
  'UploadProgress',
  'Video',
]

function createCache() {
  return cacheExchange({
    keys: Object.fromEntries(TYPES_WITHOUT_ID.map((name) => [name, () => null])),
    resolvers: { Query: { uploads: relayPagination() } },
  })
}

export interface GatewayClient {
  readonly client: Client
  /** Number of connections so far while one is open; null while disconnected. */
  readonly connections: Store<number | null>
}

export function createGatewayClient(url: string, session: Session, user: string): GatewayClient {
  const connections = createStore<number | null>(null)
  let opened = 0
  const endpoint: GatewayEndpoint = { url, fetch: session.fetch, token: () => session.token(user) }
  const client = new Client({
    url,
    fetch: session.fetch,
    // The gateway accepts queries as JSON by POST.
    preferGetMethod: false,
    fetchOptions: () => ({ headers: authorizationOf(session, user) }),
    exchanges: [
      createCache(),
      subscriptionExchange({
        forwardSubscription: ({ query = '', variables = {} }) => ({
          subscribe(sink) {
            const abortController = new AbortController()
            void subscribeOverSSE(
              endpoint,
              { query, variables },
              {
                onOpen: () => connections.set((opened += 1)),
                onLost: () => connections.set(null),
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
  return { client, connections }
}

function authorizationOf({ authState }: Session, user: string): Record<string, string> {
  const current = authState.get()
  if (current.kind === 'signed-out' || current.user !== user || current.token === null) return {}
  return { authorization: `Bearer ${current.token}` }
}
