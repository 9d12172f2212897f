/** GraphQL client of one user, for queries and mutations. */
import { Client, fetchExchange } from '@urql/core'
import type { Session } from '../session.ts'

export function createGatewayClient(url: string, session: Session, user: string): Client {
  return new Client({
    url,
    fetch: session.fetch,
    // The gateway accepts queries as JSON by POST.
    preferGetMethod: false,
    fetchOptions: () => ({ headers: authorizationOf(session, user) }),
    exchanges: [fetchExchange],
  })
}

function authorizationOf({ authState }: Session, user: string): Record<string, string> {
  const current = authState.get()
  if (current.kind === 'signed-out' || current.user !== user || current.token === null) return {}
  return { authorization: `Bearer ${current.token}` }
}
