/** One visit to all doors of a gateway, wherever that runs. */
import { pastedRequests, plainRequests, strangersRequests } from './graphql-requests.ts'
import { webhookRequests, scrapeRequests, strayRequests, tusRequests } from './other-requests.ts'
import { sendRaw, talkAmiss } from './websocket-conversations.ts'
import type { Setup } from './setup.ts'

/** Every request to every door; `uid` is that of an upload of ada's. Returns "name: status" of each. */
export async function knockEverywhere(
  { door: endpoint, tokens }: Setup,
  uid: string,
): Promise<readonly string[]> {
  const answers = await endpoint.knockAll([
    ...strangersRequests(tokens),
    ...plainRequests(tokens),
    ...pastedRequests(tokens),
    ...tusRequests(tokens),
    ...webhookRequests(uid),
    ...strayRequests(tokens),
    ...scrapeRequests(tokens),
  ])
  const talks = await talkAmiss(endpoint, tokens)
  await sendRaw(endpoint, tokens.ada.text)
  return [...answers, ...talks]
}

/** Every request that comes as far as the database, where it is not refused before. */
export async function knockAtDatabase(
  { door: endpoint, tokens }: Setup,
  uid: string,
): Promise<readonly string[]> {
  const pasted = pastedRequests(tokens).filter(({ method }) => method === 'POST')
  const answers = await endpoint.knockAll([
    ...plainRequests(tokens),
    ...pasted,
    ...tusRequests(tokens),
    ...webhookRequests(uid),
    { name: 'ready?', path: '/readyz' },
  ])
  return [...answers, ...(await talkAmiss(endpoint, tokens))]
}

/** Statuses of answers, each once. */
export function statusesIn(answers: readonly string[]): readonly string[] {
  const statuses = answers.flatMap((answer) => /: (\d{3})$/.exec(answer)?.[1] ?? [])
  return [...new Set(statuses)].toSorted()
}
