/** One visit to all doors of a gateway, wherever that runs. */
import { pastedRequests, plainRequests, strangersRequests } from './graphql-requests.ts'
import { noticeRequests, scrapeRequests, strayRequests, tusRequests } from './other-requests.ts'
import { sendRaw, talkAmiss } from './websocket-conversations.ts'
import type { Stage } from './setup.ts'

/** Every request to every door; `uid` is that of an upload of ada's. Returns "name: status" of each. */
export async function knockEverywhere(
  { door, tokens }: Stage,
  uid: string,
): Promise<readonly string[]> {
  const answers = await door.knockAll([
    ...strangersRequests(tokens),
    ...plainRequests(tokens),
    ...pastedRequests(tokens),
    ...tusRequests(tokens),
    ...noticeRequests(uid),
    ...strayRequests(tokens),
    ...scrapeRequests(tokens),
  ])
  const talks = await talkAmiss(door, tokens)
  await sendRaw(door, tokens.ada.text)
  return [...answers, ...talks]
}

/** Every request that comes as far as the database, where it is not refused before. */
export async function knockAtDatabase(
  { door, tokens }: Stage,
  uid: string,
): Promise<readonly string[]> {
  const pasted = pastedRequests(tokens).filter(({ method }) => method === 'POST')
  const answers = await door.knockAll([
    ...plainRequests(tokens),
    ...pasted,
    ...tusRequests(tokens),
    ...noticeRequests(uid),
    { name: 'ready?', path: '/readyz' },
  ])
  return [...answers, ...(await talkAmiss(door, tokens))]
}

/** Statuses of answers, each once. */
export function statusesIn(answers: readonly string[]): readonly string[] {
  const statuses = answers.flatMap((answer) => /: (\d{3})$/.exec(answer)?.[1] ?? [])
  return [...new Set(statuses)].toSorted()
}
