/** The measured operations, as prepared requests. */
import { isDeepStrictEqual } from 'node:util'
import { z } from 'zod'
import type { Contestant } from './compare-servers.ts'
import type { PreparedRequest } from './load/connection.ts'
import { postJson } from './load/requests.ts'
import type { Server } from './processes.ts'
import { CREATORS, creatorOf, uidOf } from './seed.ts'
import { bearer } from './tokens.ts'

/** The fields that every server returns. */
const FIELDS = 'uid status protocol name createdAt expiresAt version progress { encodingPercent }'
const READ = `query Upload($uid: ID!) { upload(uid: $uid) { ${FIELDS} } }`
const PLAY = 'query Play($uid: ID!) { playback(uid: $uid) { token expiresAt hlsURL } }'
const LIST = `query Uploads($first: Int!) { uploads(first: $first) { nodes { ${FIELDS} } } }`
const MINT = `mutation Mint($input: CreateDirectUploadInput!) {
  createDirectUpload(input: $input) {
    __typename
    ... on CreateDirectUploadSuccess { uploadURL upload { uid status expiresAt } }
    ... on Error { code message }
  }
}`

/** Authorization header of each seeded creator, created once per process. */
const tokens = new Map(CREATORS.map((creator) => [creator, bearer(creator)]))

/** A request, and the text that the beginning of its response must contain. */
export interface Operation {
  readonly body: string
  readonly headers: Readonly<Record<string, string>>
  readonly marker: string
}

export function readOne(at: number): Operation {
  const uid = uidOf(at)
  return operation(READ, { uid }, creatorOf(at), `"uid":"${uid}"`)
}

export function playOne(at: number): Operation {
  return operation(PLAY, { uid: uidOf(at) }, creatorOf(at), '"playback":{"token":"eyJ')
}

export function listNewest(at: number, first: number): Operation {
  return operation(LIST, { first }, creatorOf(at), '"nodes":[{"uid":"')
}

export function mintOne(at: number, creator: string = creatorOf(at)): Operation {
  const input = { maxDurationSeconds: 60, name: `Upload ${at}` }
  return operation(MINT, { input }, creator, '"uploadURL":"https://upload.')
}

function operation(
  query: string,
  variables: Readonly<Record<string, unknown>>,
  creator: string,
  marker: string,
): Operation {
  return {
    body: JSON.stringify({ query, variables }),
    // `x-creator` is for the servers that require no token.
    headers: { authorization: tokens.get(creator) ?? bearer(creator), 'x-creator': creator },
    marker,
  }
}

/** Prepares `count` requests; `make` receives the index of each. */
export function prepareRequests(
  count: number,
  make: (at: number) => Operation,
): readonly PreparedRequest[] {
  return Array.from({ length: count }, (_, at) => {
    const { body, headers, marker } = make(at)
    return { bytes: postJson('/graphql', body, headers), marker }
  })
}

/** Sends one operation and returns its JSON response. */
export async function sendOperation(
  server: Server,
  { body, headers }: Operation,
): Promise<unknown> {
  const response = await fetch(`${server.url.replace(/\/$/, '')}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body,
  })
  const text = await response.text()
  if (!response.ok) throw new Error(`Unexpected status ${response.status}: ${text.slice(0, 300)}`)
  return JSON.parse(text)
}

const withData = z.object({ data: z.unknown() })

/** Throws when a server returns other data than the first server. */
export async function compareResponses(
  contestants: readonly Contestant[],
  operations: readonly Operation[],
): Promise<void> {
  for (const each of operations) {
    let first: unknown = null
    for (const { name, server } of contestants) {
      const { data } = withData.parse(await sendOperation(server, each))
      first ??= data
      if (isDeepStrictEqual(data, first)) continue
      throw new Error(
        `${name} returned ${JSON.stringify(data)} instead of ${JSON.stringify(first)}`,
      )
    }
  }
}
