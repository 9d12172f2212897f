/** The operations that are measured, as requests that are ready to send. */
import { isDeepStrictEqual } from 'node:util'
import { z } from 'zod'
import type { Contestant } from './compare-servers.ts'
import type { Shot } from './load/connection.ts'
import { postJson } from './load/requests.ts'
import type { Server } from './processes.ts'
import { CREATORS, creatorOf, uidOf } from './seed.ts'
import { bearer } from './tokens.ts'

/** The eight fields that are read everywhere. */
const FIELDS = 'uid status protocol name createdAt expiresAt version progress { encodingPercent }'
const READ = `query Upload($uid: ID!) { upload(uid: $uid) { ${FIELDS} } }`
const LIST = `query Uploads($first: Int!) { uploads(first: $first) { nodes { ${FIELDS} } } }`
const MINT = `mutation Mint($input: CreateDirectUploadInput!) {
  createDirectUpload(input: $input) {
    __typename
    ... on CreateDirectUploadSuccess { uploadURL upload { uid status expiresAt } }
    ... on Error { code message }
  }
}`

/** A caller for each creator, with one token each for as long as the program runs. */
const tokens = new Map(CREATORS.map((creator) => [creator, bearer(creator)]))

/** A request, and how its answer must begin. */
export interface Operation {
  readonly body: string
  readonly headers: Readonly<Record<string, string>>
  readonly marker: string
}

export function readOne(at: number): Operation {
  const uid = uidOf(at)
  return operation(READ, { uid }, creatorOf(at), `"uid":"${uid}"`)
}

export function listNewest(at: number, first: number): Operation {
  return operation(LIST, { first }, creatorOf(at), '"nodes":[{"uid":"')
}

export function mintOne(at: number): Operation {
  const input = { maxDurationSeconds: 60, name: `Upload ${at}` }
  return operation(MINT, { input }, creatorOf(at), '"uploadURL":"https://upload.')
}

function operation(
  query: string,
  variables: Readonly<Record<string, unknown>>,
  creator: string,
  marker: string,
): Operation {
  return {
    body: JSON.stringify({ query, variables }),
    // The second is for servers that ask for no token.
    headers: { authorization: tokens.get(creator) ?? '', 'x-creator': creator },
    marker,
  }
}

/** So many different ones, by the place of each. */
export function shots(count: number, make: (at: number) => Operation): readonly Shot[] {
  return Array.from({ length: count }, (_, at) => {
    const { body, headers, marker } = make(at)
    return { bytes: postJson('/graphql', body, headers), marker }
  })
}

/** The answer as it is, for comparing. */
export async function ask(server: Server, { body, headers }: Operation): Promise<unknown> {
  const response = await fetch(`${server.url.replace(/\/$/, '')}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body,
  })
  const text = await response.text()
  if (!response.ok) throw new Error(`It answers ${response.status}: ${text.slice(0, 300)}`)
  return JSON.parse(text)
}

const withData = z.object({ data: z.unknown() })

/** Throws where one's data are not those of the first. */
export async function compareAnswers(
  contestants: readonly Contestant[],
  operations: readonly Operation[],
): Promise<void> {
  for (const one of operations) {
    let first: unknown = null
    for (const { name, server } of contestants) {
      const { data } = withData.parse(await ask(server, one))
      first ??= data
      if (isDeepStrictEqual(data, first)) continue
      throw new Error(`${name} answers ${JSON.stringify(data)}, not ${JSON.stringify(first)}`)
    }
  }
}
