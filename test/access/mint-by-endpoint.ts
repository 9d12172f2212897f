/** Creates an upload at each endpoint, and returns the outcome as one word. */
import { createClient } from 'graphql-ws'
import { WebSocket } from 'ws'
import { z } from 'zod'

/** What a caller requests. Omitted settings are left to the gateway. */
export interface MintRequest {
  readonly seconds?: number
  readonly bytes?: number
  readonly allowedOrigins?: readonly string[]
  readonly requireSignedURLs?: false
  readonly name?: string
  readonly meta?: Readonly<Record<string, string>>
  readonly idempotencyKey?: string
}

/** `minted`, `invalid`, `forbidden`, `quota` or `rate`; or the status or close code with the reason. */
export type Mint = (url: string, token: string, request: MintRequest) => Promise<string>

const MUTATION = /* GraphQL */ `
  mutation ($input: CreateTusUploadInput!) {
    createTusUpload(input: $input) {
      __typename
      ... on CreateTusUploadSuccess {
        upload {
          uid
        }
      }
    }
  }
`

const result = z.object({
  data: z.object({ createTusUpload: z.looseObject({ __typename: z.string() }) }),
})

const severalResult = z.object({
  data: z.object({ createUploads: z.tuple([z.object({ __typename: z.string() })]) }),
})

const WORDS: Readonly<Record<string, string>> = {
  CreateDirectUploadSuccess: 'minted',
  CreateTusUploadSuccess: 'minted',
  InvalidInputError: 'invalid',
  ForbiddenError: 'forbidden',
  QuotaExceededError: 'quota',
  RateLimitedError: 'rate',
}

function inputOf({ seconds = 1, bytes = 1, ...settings }: MintRequest): object {
  return { maxDurationSeconds: seconds, sizeBytes: bytes, ...settings }
}

function wordIn(parsed: unknown): string {
  const { __typename } = result.parse(parsed).data.createTusUpload
  return WORDS[__typename] ?? __typename
}

function post(url: string, token: string, accept: string, request: MintRequest): Promise<Response> {
  return fetch(`${url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept, authorization: `Bearer ${token}` },
    body: JSON.stringify({ query: MUTATION, variables: { input: inputOf(request) } }),
  })
}

const byPost: Mint = async (url, token, request) => {
  const response = await post(url, token, 'application/json', request)
  return response.status === 200
    ? wordIn(await response.json())
    : `${response.status} ${await response.text()}`
}

/** The gateway chooses the protocol. */
const byCreateUploads: Mint = async (url, token, request) => {
  const response = await fetch(`${url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
    body: JSON.stringify({
      query:
        'mutation ($input: CreateUploadInput!) { createUploads(inputs: [$input]) { __typename } }',
      variables: { input: inputOf(request) },
    }),
  })
  if (response.status !== 200) return `${response.status} ${await response.text()}`
  const { data } = severalResult.parse(await response.json())
  const [{ __typename }] = data.createUploads
  return WORDS[__typename] ?? __typename
}

const bySse: Mint = async (url, token, request) => {
  const response = await post(url, token, 'text/event-stream', request)
  const text = await response.text()
  if (response.status !== 200) return `${response.status} ${text}`
  const [, data = ''] = /^data: ?(\{.*\})$/m.exec(text) ?? []
  return wordIn(JSON.parse(data))
}

const bySocket: Mint = async (url, token, request) => {
  const client = createClient({
    url: `${url.replace('http', 'ws')}/graphql`,
    webSocketImpl: WebSocket,
    retryAttempts: 0,
    connectionParams: { authorization: `Bearer ${token}` },
  })
  try {
    return await new Promise<string>((resolve) => {
      client.subscribe(
        { query: MUTATION, variables: { input: inputOf(request) } },
        {
          next: (value) => resolve(wordIn(value)),
          error: (reason) => resolve(closeOf(reason)),
          complete: () => undefined,
        },
      )
    })
  } finally {
    await client.dispose()
  }
}

const closed = z.object({ code: z.number(), reason: z.string() })

function closeOf(reason: unknown): string {
  const event = closed.parse(reason)
  return `${event.code} ${event.reason}`
}

const STATUS_WORDS: Readonly<Record<number, string>> = {
  201: 'minted',
  400: 'invalid',
  403: 'forbidden',
  413: 'quota',
  429: 'rate',
}

const byTus: Mint = async (url, token, request) => {
  const { seconds = 1, bytes = 1, allowedOrigins, name, meta = {}, idempotencyKey } = request
  const metadata = {
    maxDurationSeconds: String(seconds),
    ...meta,
    ...(allowedOrigins === undefined ? {} : { allowedorigins: JSON.stringify(allowedOrigins) }),
    ...(name === undefined ? {} : { name }),
  }
  const response = await fetch(`${url}/tus`, {
    method: 'POST',
    headers: {
      'tus-resumable': '1.0.0',
      'upload-length': String(bytes),
      'upload-metadata': Object.entries(metadata)
        .map(([key, value]) => `${key} ${btoa(value)}`)
        .join(','),
      authorization: `Bearer ${token}`,
      ...(idempotencyKey === undefined ? {} : { 'idempotency-key': idempotencyKey }),
    },
  })
  return STATUS_WORDS[response.status] ?? `${response.status} ${await response.text()}`
}

/** Every endpoint that creates uploads. */
export const endpoints: readonly (readonly [string, Mint])[] = [
  ['POST /graphql', byPost],
  ['createUploads', byCreateUploads],
  ['/graphql over SSE', bySse],
  ['/graphql over WebSocket', bySocket],
  ['/tus', byTus],
]
