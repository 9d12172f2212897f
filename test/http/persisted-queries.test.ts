/** Requests of clients with persisted queries: they send the hash first, and the query if it is not supported. */
import { describe, expect, it } from 'vitest'
import { type TestGateway, startTestGateway } from '../kit/gateway.ts'
import { openSocket, until } from '../fast-path/subscription-clients.ts'

const HASH = 'ecf4edb46db40b5132295c0291d62fb65d6759a9eedfa4d5d612dd5ec54a6b38'
const extensions = { persistedQuery: { version: 1, sha256Hash: HASH } }

/** https://www.apollographql.com/docs/apollo-server/performance/apq */
const NOT_SUPPORTED = {
  errors: [
    {
      message: 'PersistedQueryNotSupported',
      extensions: { code: 'PERSISTED_QUERY_NOT_SUPPORTED' },
    },
  ],
}

const MEDIA_TYPES = ['application/json', 'application/graphql-response+json'] as const

function post(gateway: TestGateway, accept: string, body: object): Promise<Response> {
  const headers = { accept, 'content-type': 'application/json' }
  return fetch(`${gateway.url}/graphql`, { method: 'POST', headers, body: JSON.stringify(body) })
}

function get(
  gateway: TestGateway,
  accept: string,
  parameters: Readonly<Record<string, string>>,
): Promise<Response> {
  const search = new URLSearchParams(parameters)
  return fetch(`${gateway.url}/graphql?${search}`, { headers: { accept } })
}

describe.each(MEDIA_TYPES)('a persisted query with Accept: %s', (accept) => {
  // Apollo Kotlin before 4.1 reads the errors of a response only if its status is 2xx.
  it.each<[string, object]>([
    ['no query', { extensions }],
    ['a query of null', { query: null, extensions }],
    ['an empty query', { query: '', extensions }],
    ['variables', { operationName: 'A', variables: { uid: 'x' }, extensions }],
  ])('by POST with %s gets PersistedQueryNotSupported with status 200', async (_what, body) => {
    const gateway = await startTestGateway()
    const response = await post(gateway, accept, body)
    expect(response.status).toBe(200)
    expect(response.headers.get('content-type')).toBe(`${accept}; charset=utf-8`)
    expect(await response.json()).toEqual(NOT_SUPPORTED)
  })

  it('by GET gets PersistedQueryNotSupported with status 200', async () => {
    const gateway = await startTestGateway()
    const parameters = { operationName: 'A', extensions: JSON.stringify(extensions) }
    const response = await get(gateway, accept, parameters)
    expect(response.status).toBe(200)
    expect(response.headers.get('content-type')).toBe(`${accept}; charset=utf-8`)
    // A cache must not return this to a client that sends the query later.
    expect(response.headers.get('cache-control')).toBe('no-store')
    expect(await response.json()).toEqual(NOT_SUPPORTED)
  })

  it('is executed if the request contains its text', async () => {
    const gateway = await startTestGateway()
    const query = '{ __typename }'
    const data = { data: { __typename: 'Query' } }
    for (let run = 0; run < 4; run += 1) {
      const posted = await post(gateway, accept, { query, extensions })
      expect([posted.status, await posted.json()]).toEqual([200, data])
    }
    const parameters = { query, extensions: JSON.stringify(extensions) }
    expect(await (await get(gateway, accept, parameters)).json()).toEqual(data)
  })
})

it.each<[string, object]>([
  ['no extensions', {}],
  ['empty extensions', { extensions: {} }],
  ['null as persisted query', { extensions: { persistedQuery: null } }],
  ['a query that is no string', { query: 1, extensions }],
])('a request with %s is malformed', async (_what, body) => {
  const gateway = await startTestGateway()
  const response = await post(gateway, 'application/graphql-response+json', body)
  expect(response.status).toBe(400)
  expect(await response.json()).toMatchObject({ errors: [{ extensions: { code: 'BAD_REQUEST' } }] })
})

it('a document id gets an error that names the missing support', async () => {
  const gateway = await startTestGateway()
  const response = await post(gateway, 'application/json', { documentId: `sha256:${HASH}` })
  expect(response.status).toBe(200)
  expect(await response.json()).toEqual(NOT_SUPPORTED)
})

it('a subscription by server-sent events gets the error as its only event', async () => {
  const gateway = await startTestGateway()
  const response = await post(gateway, 'text/event-stream', { extensions })
  expect(response.status).toBe(200)
  const text = await response.text()
  expect(text).toContain(`event: next\ndata: ${JSON.stringify(NOT_SUPPORTED)}\n\n`)
})

describe('over WebSocket', () => {
  it.each<[string, object]>([
    ['no query', { extensions }],
    ['a query of null', { query: null, extensions }],
    ['an empty query', { query: '', extensions }],
  ])('a message with %s gets PersistedQueryNotSupported', async (_what, payload) => {
    const gateway = await startTestGateway()
    const client = await openSocket(gateway.url)
    client.send({ id: '1', type: 'subscribe', payload })
    await until(() => client.messages.length === 1 || client.closed() !== null, 'the error')
    expect(client.messages.map((text): unknown => JSON.parse(text))).toEqual([
      { id: '1', type: 'error', payload: NOT_SUPPORTED.errors },
    ])
    client.send({ id: '1', type: 'subscribe', payload: { query: '{ __typename }', extensions } })
    await until(() => client.messages.length === 3, 'the result')
    expect(client.messages[1]).toContain('"__typename":"Query"')
  })

  it.each<[string, object]>([
    ['without an id', { type: 'subscribe', payload: { extensions } }],
    ['without a persisted query', { id: '1', type: 'subscribe', payload: { extensions: {} } }],
    [
      'with variables that are no object',
      { id: '1', type: 'subscribe', payload: { extensions, variables: 1 } },
    ],
  ])('a message %s is invalid', async (_what, message) => {
    const gateway = await startTestGateway()
    const client = await openSocket(gateway.url)
    client.send(message)
    await until(() => client.closed() !== null, 'the close')
    expect(client.closed()).toBe(4400)
  })
})
