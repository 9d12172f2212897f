/** TRUSTED_DOCUMENTS: which documents are executed, by their id and by their text, over every transport. */
import { createHash } from 'node:crypto'
import { getIntrospectionQuery } from 'graphql'
import { describe, expect, it } from 'vitest'
import * as clientOperations from '../../src/client/gateway/operations.ts'
import * as consoleDocuments from '../../src/console/data/documents.ts'
import { type TestGateway, startTestGateway } from '../kit/gateway.ts'
import { scrape } from '../kit/metrics.ts'
import { writeTrustedDocuments } from '../kit/trusted-documents.ts'
import { openEventStream, openSocket, until } from '../fast-path/subscription-clients.ts'

const FIND = 'query Find($uid: ID!) { upload(uid: $uid) { uid status } }'
const REMOVE = 'mutation Remove($uid: ID!) { deleteUpload(uid: $uid) { __typename } }'
const WATCH = 'subscription Watch($uid: ID!) { uploadStatus(uid: $uid) { status } }'
/** SHA-1 as of GraphQL Code Generator, MD5 as of Relay, and SHA-256. */
const IDS = {
  find: '5b8e1d42c1cc1d1a44c47d3b1bd59ea14a9d0d0b',
  remove: '0cc175b9c0f1b6a831c399e269772661',
  watch: createHash('sha256').update(WATCH).digest('hex'),
}
const DELETE = 'deleteUpload(uid: $uid) { __typename }'
const TWICE = `mutation Twice($uid: ID!) { a: ${DELETE} b: ${DELETE} }`
const DOCUMENTS = {
  twice: TWICE,
  [IDS.find]: FIND,
  [IDS.remove]: REMOVE,
  [IDS.watch]: WATCH,
}
const FIND_SHA256 = createHash('sha256').update(FIND).digest('hex')
const UNKNOWN = 'f'.repeat(40)
const variables = { uid: 'a'.repeat(32) }
const FOUND = { data: { upload: null } }

const JSON_TYPE = 'application/json'
const RESPONSE_TYPE = 'application/graphql-response+json'

async function start(more: Readonly<Record<string, string>> = {}): Promise<TestGateway> {
  return startTestGateway({
    TRUSTED_DOCUMENTS: await writeTrustedDocuments(DOCUMENTS),
    ...more,
  })
}

async function post({ url }: TestGateway, body: object, accept = RESPONSE_TYPE) {
  const headers = { accept, 'content-type': JSON_TYPE }
  const response = await fetch(`${url}/graphql`, {
    method: 'POST',
    headers,
    body: JSON.stringify(body),
  })
  return { status: response.status, body: await response.json() }
}

async function get({ url }: TestGateway, parameters: Readonly<Record<string, string>>) {
  const search = new URLSearchParams({ variables: JSON.stringify(variables), ...parameters })
  const response = await fetch(`${url}/graphql?${search}`, { headers: { accept: RESPONSE_TYPE } })
  return { status: response.status, body: await response.json() }
}

const persisted = (sha256Hash: unknown): object => ({
  extensions: { persistedQuery: { version: 1, sha256Hash } },
})

const UNTRUSTED = {
  errors: [
    {
      message: expect.stringMatching(/only trusted documents.*TRUSTED_DOCUMENTS/),
      extensions: { code: 'UNTRUSTED_DOCUMENT' },
    },
  ],
}

const WAYS: readonly [string, object][] = [
  ['documentId', { documentId: IDS.find }],
  ['documentId with the SHA-256 of its text', { documentId: `sha256:${FIND_SHA256}` }],
  ['the hash of Apollo and urql', persisted(FIND_SHA256)],
  ['its id in place of that hash', persisted(IDS.find)],
  ['doc_id of Relay', { doc_id: IDS.find }],
  ['id of Relay', { id: IDS.find, query: null }],
  ['an empty text and its id', { query: '', documentId: IDS.find }],
  ['its text', { query: FIND }],
  ['its text and a hash', { query: FIND, ...persisted(UNKNOWN) }],
  [
    'its text with other whitespace and comments',
    { query: `# Find\n${FIND.replaceAll(' ', '\n  ')}\n` },
  ],
  ['its text in another order', { query: FIND.replace('uid status', 'status uid') }],
  [
    'its text with __typename',
    {
      query: FIND.replace('uid status', 'uid status __typename').replace(
        '{ upload',
        '{ __typename upload',
      ),
    },
  ],
]

describe('a trusted document', () => {
  it('is executed by its ids and its text', async () => {
    const gateway = await start()
    for (const [name, params] of WAYS) {
      // From the third request on, the fast path executes it.
      for (let run = 0; run < 4; run += 1) {
        const { status, body } = await post(gateway, { ...params, variables })
        expect({ name, status, body }).toMatchObject({ name, status: 200, body: FOUND })
      }
    }
  })

  it('is executed by GET', async () => {
    const gateway = await start()
    const executed = { status: 200, body: FOUND }
    const hash = JSON.stringify({ persistedQuery: { sha256Hash: IDS.find } })
    expect(await get(gateway, { documentId: IDS.find })).toEqual(executed)
    expect(await get(gateway, { doc_id: IDS.find })).toEqual(executed)
    expect(await get(gateway, { extensions: hash })).toEqual(executed)
    expect(await get(gateway, { query: FIND })).toEqual(executed)
  })

  it('is a mutation only by POST', async () => {
    const gateway = await start()
    expect(await get(gateway, { documentId: IDS.remove })).toMatchObject({ status: 405 })
    expect(await post(gateway, { documentId: IDS.remove, variables })).toEqual({
      status: 200,
      body: { data: { deleteUpload: { __typename: 'UploadNotFoundError' } } },
    })
  })

  it.each([{ documentId: IDS.watch }, { query: WATCH }])(
    'is a subscription over server-sent events and WebSocket: %j',
    async (params) => {
      const gateway = await start()
      const stream = openEventStream(gateway.url, JSON.stringify({ ...params, variables }))
      await until(() => stream.ended() !== null, 'the end')
      expect(stream.results.join('')).toContain('UPLOAD_NOT_FOUND')
      const client = await openSocket(gateway.url)
      client.send({ id: '1', type: 'subscribe', payload: { ...params, variables } })
      await until(() => client.messages.length > 0, 'the error')
      expect(client.messages[0]).toContain('UPLOAD_NOT_FOUND')
    },
  )

  it('is validated like any other: an unexpected parameter is malformed', async () => {
    const gateway = await start()
    const { status, body } = await post(gateway, { documentId: IDS.find, variables, extra: 1 })
    expect({ status, body }).toMatchObject({
      status: 400,
      body: { errors: [{ extensions: { code: 'BAD_REQUEST' } }] },
    })
  })
})

const LISTED_AND_MORE = `${FIND} { __typename }`
const REFUSED: readonly [string, object][] = [
  ['an unknown documentId', { documentId: UNKNOWN }],
  ['a documentId that is no string', { documentId: 1 }],
  ['an unknown hash', persisted(UNKNOWN)],
  ['a persisted query without a hash', persisted(null)],
  ['a name of an object', { documentId: 'constructor' }],
  ['an unknown doc_id', { doc_id: UNKNOWN }],
  ['another text', { query: '{ storageUsage { videoCount } }' }],
  [
    'another text with the hash of a trusted one',
    { query: '{ __typename }', ...persisted(IDS.find) },
  ],
  ['a trusted text with another field', { query: FIND.replace('status', 'status version') }],
  ['a trusted text with an alias', { query: FIND.replace('status', 's: status') }],
  [
    'a trusted text with an aliased __typename',
    { query: FIND.replace('uid status', 'uid status t: __typename') },
  ],
  ['a trusted text with another operation', { query: LISTED_AND_MORE, operationName: 'Find' }],
  [
    'a trusted text with mutations in another order',
    { query: TWICE.replace('a:', 'c:').replace('b:', 'a:').replace('c:', 'b:') },
  ],
  [
    'a trusted text with mutations in another order in a fragment',
    {
      query:
        'mutation Twice($uid: ID!) { ...F } fragment F on Mutation { b: deleteUpload(uid: $uid) { __typename } a: deleteUpload(uid: $uid) { __typename } }',
    },
  ],
  ['introspection', { query: getIntrospectionQuery() }],
  ['a syntax error', { query: '{' }],
  ['an empty text', { query: ' ' }],
]

describe('with trusted documents', () => {
  it('all others are refused over HTTP', async () => {
    const gateway = await start()
    for (const [name, params] of REFUSED) {
      const body = { ...params, variables }
      expect([name, await post(gateway, body)]).toEqual([name, { status: 403, body: UNTRUSTED }])
      // https://graphql.github.io/graphql-over-http/draft/#sec-application-json
      expect([name, await post(gateway, body, JSON_TYPE)]).toEqual([
        name,
        { status: 200, body: UNTRUSTED },
      ])
      const stream = openEventStream(gateway.url, JSON.stringify(body))
      await until(() => stream.ended() !== null, 'the end')
      const results = stream.results.map((text): unknown => JSON.parse(text))
      expect([name, ...results]).toEqual([name, UNTRUSTED])
    }
  })

  it('all others are refused over WebSocket', async () => {
    const gateway = await start()
    const client = await openSocket(gateway.url)
    for (const [index, [name, payload]] of REFUSED.entries()) {
      client.send({ id: name, type: 'subscribe', payload: { ...payload, variables } })
      await until(() => client.messages.length > index, 'the error')
      const message: unknown = JSON.parse(client.messages[index] ?? '')
      expect(message).toEqual({ id: name, type: 'error', payload: UNTRUSTED.errors })
    }
    expect(client.closed()).toBeNull()
  })

  it('a GET request with another text or id is refused', async () => {
    const gateway = await start()
    const refused = { status: 403, body: UNTRUSTED }
    expect(await get(gateway, { query: '{ __typename }' })).toEqual(refused)
    expect(await get(gateway, { documentId: UNKNOWN })).toEqual(refused)
  })

  it('refusals are counted', async () => {
    const gateway = await start()
    await post(gateway, { query: '{ __typename }' })
    const { text } = await scrape(gateway.url)
    expect(text).toContain(
      'headgate_rejections_total{route="/graphql",reason="untrusted_document"} 1',
    )
  })

  it('GraphiQL is not served, because it could execute nothing', async () => {
    const gateway = await start()
    const response = await fetch(`${gateway.url}/graphql`, { headers: { accept: 'text/html' } })
    expect(response.headers.get('content-type')).not.toContain('text/html')
  })

  it('the documents of headgate/client are executed', async () => {
    const gateway = await start()
    const texts = Object.values(clientOperations).filter((value) => typeof value === 'string')
    expect(texts.length).toBeGreaterThan(5)
    for (const query of texts) {
      const { body } = await post(gateway, { query, variables: {} })
      expect(JSON.stringify(body)).not.toContain('UNTRUSTED_DOCUMENT')
    }
  })

  it('introspection is executed if it is listed', async () => {
    const path = await writeTrustedDocuments({ schema: getIntrospectionQuery() })
    const gateway = await startTestGateway({ TRUSTED_DOCUMENTS: path })
    const { body } = await post(gateway, { documentId: 'schema' })
    expect(body).toMatchObject({ data: { __schema: { queryType: { name: 'Query' } } } })
  })
})

it('the console exports only documents, which its build lists', () => {
  for (const value of Object.values(consoleDocuments)) {
    expect(value).toMatch(/^(?:query|mutation|subscription) /)
  }
})
