/** Sends requests to all endpoints of a gateway. */
import { pastedTokenRequests, ordinaryRequests, rejectedTokenRequests } from './graphql-requests.ts'
import {
  webhookRequests,
  scrapeRequests,
  otherPathRequests,
  tusRequests,
} from './other-requests.ts'
import { sendRawRequests, runConversations } from './websocket-conversations.ts'
import type { Setup } from './setup.ts'

/** Sends every request to every endpoint; `uid` is an upload of ada. Returns "name: status" of each. */
export async function requestAllEndpoints(
  { client, tokens }: Setup,
  uid: string,
): Promise<readonly string[]> {
  const results = await client.sendAll([
    ...rejectedTokenRequests(tokens),
    ...ordinaryRequests(tokens),
    ...pastedTokenRequests(tokens),
    ...tusRequests(tokens),
    ...webhookRequests(uid),
    ...otherPathRequests(tokens),
    ...scrapeRequests(tokens),
  ])
  const conversations = await runConversations(client, tokens)
  await sendRawRequests(client, tokens.ada.text)
  return [...results, ...conversations]
}

/** Sends the requests that use the database, unless they are rejected before. */
export async function requestDatabaseEndpoints(
  { client, tokens }: Setup,
  uid: string,
): Promise<readonly string[]> {
  const pasted = pastedTokenRequests(tokens).filter(({ method }) => method === 'POST')
  const results = await client.sendAll([
    ...ordinaryRequests(tokens),
    ...pasted,
    ...tusRequests(tokens),
    ...webhookRequests(uid),
    { name: 'readiness', path: '/readyz' },
  ])
  return [...results, ...(await runConversations(client, tokens))]
}

/** The distinct statuses in these results, sorted. */
export function statusesIn(results: readonly string[]): readonly string[] {
  const statuses = results.flatMap((result) => /: (\d{3})$/.exec(result)?.[1] ?? [])
  return [...new Set(statuses)].toSorted()
}
