/** Hostile requests to a warm fast path: it responds like Yoga, and never with a 5xx status. */
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { wholeNumberFrom } from '../chaos/seed.ts'
import { bombs } from '../fuzz/document-bombs.ts'
import { broken, oddJSON } from '../fuzz/edge-values.ts'
import { documents } from '../fuzz/schema-documents.ts'
import { tokenFor } from '../kit/gateway.ts'
import { WARM_UP_RUNS, sendOperation } from './both-paths.ts'
import { seedUploads } from './seed-uploads.ts'
import { type TestResponse, comparable, sendRequest } from './send-request.ts'
import { type Setup, createSetup } from './setup.ts'
import { withoutGeneratedIds } from './normalize-response.ts'

const seed = wholeNumberFrom('HEADGATE_FAST_PATH_SEED') ?? Math.floor(Math.random() * 1_000_000)
const inputs = Math.ceil((wholeNumberFrom('HEADGATE_FAST_PATH_OPERATIONS') ?? 1000) / 10)

/** Operations that the fast path has compiled before they are sent with hostile variables. */
const COMPILED = [
  'mutation ($v: CreateDirectUploadInput!) { createDirectUpload(input: $v) { __typename ... on Error { message } } }',
  'mutation ($v: JSONObject) { createDirectUpload(input: { maxDurationSeconds: 1, meta: $v }) { __typename ... on CreateDirectUploadSuccess { upload { meta } } ... on InvalidInputError { issues { path message } } } }',
  'mutation ($v: ID!) { deleteUpload(uid: $v) { __typename ... on Error { message } } }',
  'query ($v: ID!) { upload(uid: $v) { uid } }',
  'query ($v: [ID!]!) { nodes(ids: $v) { id } }',
  'query ($v: UploadFilter) { uploads(first: 2, filter: $v) { totalCount nodes { uid } } }',
  'query ($v: Int) { uploads(first: $v) { totalCount } }',
  'query ($v: String) { uploads(after: $v) { totalCount } }',
  'query ($v: ByteCount!) { recommendedProtocol(sizeBytes: $v) { protocol } }',
  'query ($v: Boolean = true) { a: __typename @include(if: $v) b: __typename @skip(if: $v) }',
  'query ($__proto__: ID!) { upload(uid: $__proto__) { uid } }',
] as const
const VALID_VALUES: readonly unknown[] = [
  { maxDurationSeconds: 1 },
  {},
  'nobody',
  'nobody',
  ['VXBsb2Fk'],
  {},
  1,
  null,
  1,
  true,
  'nobody',
]

async function expectEqualOnBothPaths(
  setup: Setup,
  headers: Readonly<Record<string, string>>,
  body: string,
  warmUpRuns: number,
): Promise<TestResponse> {
  const fallback = await sendRequest(setup.fallback, headers, body)
  let fast = fallback
  for (let run = 0; run <= warmUpRuns; run += 1) {
    fast = await sendRequest(setup.fast, headers, body)
    expect(fast.status).toBeLessThan(500)
  }
  expect({ body, ...withoutGeneratedIds(fast) }).toEqual({ body, ...withoutGeneratedIds(fallback) })
  return fast
}

describe(`hostile input with HEADGATE_FAST_PATH_SEED=${seed}`, { timeout: 300_000 }, () => {
  it('gets equal responses as variables of compiled operations', async () => {
    const setup = await createSetup()
    const headers = { authorization: `Bearer ${await tokenFor('ada')}` }
    for (const [index, query] of COMPILED.entries()) {
      const name = query.includes('$__proto__') ? '__proto__' : 'v'
      const body = `{"query":${JSON.stringify(query)},"variables":{${JSON.stringify(name)}:${JSON.stringify(VALID_VALUES[index])}}}`
      for (let run = 0; run < WARM_UP_RUNS; run += 1) await sendRequest(setup.fast, headers, body)
    }
    let byFastPath = 0
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...COMPILED), oddJSON, async (query, value) => {
        const name = query.includes('$__proto__') ? '__proto__' : 'v'
        const body = `{"query":${JSON.stringify(query)},"variables":{${JSON.stringify(name)}:${value}}}`
        const { requestId } = await expectEqualOnBothPaths(setup, headers, body, 0)
        if (setup.usedFastPath(requestId)) byFastPath += 1
      }),
      { seed, numRuns: inputs * 4 },
    )
    expect(byFastPath).toBeGreaterThan(0)
    expect(setup.errors).toEqual([])
  })

  it('gets equal responses as documents of all kinds', async () => {
    const setup = await createSetup()
    const { uids } = seedUploads(setup.databaseFile, setup.clock.now())
    const headers = { authorization: `Bearer ${await tokenFor('creator-0')}` }
    const options = { uids, deletable: ['nobody'] as const, wrongTypePercent: 5 }
    const document = fc
      .oneof(
        documents(options),
        documents({ ...options, wrongTypePercent: 0 }),
        broken(documents(options), ['{', '"', '$', '💣']),
        bombs,
      )
      .filter((text) => !text.includes('subscription'))
    await fc.assert(
      fc.asyncProperty(document, async (query) => {
        await expectEqualOnBothPaths(setup, headers, JSON.stringify({ query }), WARM_UP_RUNS)
      }),
      { seed, numRuns: inputs },
    )
    expect(setup.errors).toEqual([])
  })

  it.each([
    ['a byte order mark', '\uFEFF{"query":"{ __typename }"}'],
    ['bytes that are not UTF-8', Buffer.from([0x7b, 0x22, 0xff, 0xfe, 0x22, 0x7d])],
    [
      'UTF-8 text that ends inside a character',
      Buffer.from('{"query":"{ __typename } # é').subarray(0, -1),
    ],
    ['a duplicate parameter', '{"query":"{ nope }","query":"{ __typename }"}'],
    ['a list of requests', '[{"query":"{ __typename }"}]'],
    ['an unknown parameter', '{"query":"{ __typename }","more":1}'],
    ['a parameter named __proto__', '{"query":"{ __typename }","__proto__":{"operationName":"x"}}'],
    ['an empty operation name', '{"query":"{ __typename }","operationName":""}'],
    ['an unknown operation name', '{"query":"{ __typename }","operationName":"nope"}'],
    ['a list as variables', '{"query":"{ __typename }","variables":[]}'],
    ['a string as variables', '{"query":"{ __typename }","variables":"{}"}'],
    ['extensions', '{"query":"{ __typename }","extensions":{"persistedQuery":{"version":1}}}'],
    ['a persisted query', '{"extensions":{"persistedQuery":{"version":1,"sha256Hash":"a"}}}'],
    ['an empty text', '{"query":"","extensions":{"persistedQuery":{"version":1}}}'],
    ['a document id', '{"documentId":"sha256:a"}'],
    ['a blank body', ' '],
  ])('gets equal responses with %s', async (_what, body) => {
    const setup = await createSetup({ auth: { kind: 'disabled' } })
    for (let run = 0; run < WARM_UP_RUNS; run += 1) {
      await sendOperation(setup.fast, { query: '{ __typename }' })
    }
    const fallback = await sendRequest(setup.fallback, { accept: '*/*' }, body)
    for (const _attempt of [1, 2, 3]) {
      const fast = await sendRequest(setup.fast, { accept: '*/*' }, body)
      expect(comparable(fast)).toEqual(comparable(fallback))
      expect(fast.status).toBeLessThan(500)
    }
  })

  it.each<[string, Readonly<Record<string, string>>]>([
    ['an origin that is not allowed', { origin: 'https://evil.example' }],
    ['an allowed origin', { origin: 'https://app.example.com' }],
    ['the origin null', { origin: 'null' }],
    ['the content type text/plain', { 'content-type': 'text/plain' }],
    ['another charset', { 'content-type': 'application/json; charset=latin1' }],
    ['a content coding', { 'content-encoding': 'gzip' }],
    ['an invalid token', { authorization: 'Bearer x.y.z' }],
    ['a malformed Authorization', { authorization: 'bearer  x' }],
    ['a request id', { 'x-request-id': 'mine' }],
    ['another Host', { host: 'evil.example' }],
    ['a long Accept', { accept: `application/json, ${'x/y,'.repeat(100)}*/*` }],
  ])('gets equal responses with %s in its headers', async (_what, odd) => {
    const setup = await createSetup()
    const headers = { authorization: `Bearer ${await tokenFor('ada')}`, accept: '*/*' }
    const operation = { query: '{ uploads { totalCount } }', headers }
    for (let run = 0; run < WARM_UP_RUNS; run += 1) await sendOperation(setup.fast, operation)
    const fallback = await sendOperation(setup.fallback, {
      ...operation,
      headers: { ...headers, ...odd },
    })
    for (const _attempt of [1, 2, 3]) {
      const fast = await sendOperation(setup.fast, {
        ...operation,
        headers: { ...headers, ...odd },
      })
      expect(comparable(fast)).toEqual(comparable(fallback))
      expect(fast.status).toBeLessThan(500)
    }
  })
})
