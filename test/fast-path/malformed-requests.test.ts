/** What strangers send, to a lane that knows much: answered as Yoga answers it, and never with a 5xx. */
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { wholeNumberFrom } from '../chaos/seed.ts'
import { bombs } from '../fuzz/document-bombs.ts'
import { broken, oddJSON } from '../fuzz/edge-values.ts'
import { documents } from '../fuzz/schema-documents.ts'
import { tokenFor } from '../kit/gateway.ts'
import { LESSONS, ask } from './both-paths.ts'
import { seedUploads } from './seed-uploads.ts'
import { type Sent, comparable, send } from './send-request.ts'
import { type Setup, setSetup } from './setup.ts'
import { withoutNames } from './normalize-response.ts'

const seed = wholeNumberFrom('HEADGATE_FAST_PATH_SEED') ?? Math.floor(Math.random() * 1_000_000)
const inputs = Math.ceil((wholeNumberFrom('HEADGATE_FAST_PATH_OPERATIONS') ?? 1000) / 10)

/** Each is known to the lane before odd variables come for it. */
const KNOWN = [
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
const GOOD: readonly unknown[] = [
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

async function expectBothWays(
  setup: Setup,
  headers: Readonly<Record<string, string>>,
  body: string,
  lessons: number,
): Promise<Sent> {
  const long = await send(setup.long, headers, body)
  let fast = long
  for (let time = 0; time <= lessons; time += 1) {
    fast = await send(setup.fast, headers, body)
    expect(fast.status).toBeLessThan(500)
  }
  expect({ body, ...withoutNames(fast) }).toEqual({ body, ...withoutNames(long) })
  return fast
}

describe(`hostile input with HEADGATE_FAST_PATH_SEED=${seed}`, { timeout: 300_000 }, () => {
  it('as variables of operations that the lane knows', async () => {
    const setup = await setSetup()
    const headers = { authorization: `Bearer ${await tokenFor('ada')}` }
    for (const [index, query] of KNOWN.entries()) {
      const name = query.includes('$__proto__') ? '__proto__' : 'v'
      const body = `{"query":${JSON.stringify(query)},"variables":{${JSON.stringify(name)}:${JSON.stringify(GOOD[index])}}}`
      for (let lesson = 0; lesson < LESSONS; lesson += 1) await send(setup.fast, headers, body)
    }
    let byFastPath = 0
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...KNOWN), oddJSON, async (query, value) => {
        const name = query.includes('$__proto__') ? '__proto__' : 'v'
        const body = `{"query":${JSON.stringify(query)},"variables":{${JSON.stringify(name)}:${value}}}`
        const { requestId } = await expectBothWays(setup, headers, body, 0)
        if (setup.answeredByLane(requestId)) byFastPath += 1
      }),
      { seed, numRuns: inputs * 4 },
    )
    expect(byFastPath).toBeGreaterThan(0)
    expect(setup.errors).toEqual([])
  })

  it('as documents of every kind', async () => {
    const setup = await setSetup()
    const { uids } = seedUploads(setup.databaseFile, setup.clock.now())
    const headers = { authorization: `Bearer ${await tokenFor('creator-0')}` }
    const options = { uids, expendable: ['nobody'] as const, wrongness: 5 }
    const document = fc
      .oneof(
        documents(options),
        documents({ ...options, wrongness: 0 }),
        broken(documents(options), ['{', '"', '$', '💣']),
        bombs,
      )
      .filter((text) => !text.includes('subscription'))
    await fc.assert(
      fc.asyncProperty(document, async (query) => {
        await expectBothWays(setup, headers, JSON.stringify({ query }), LESSONS)
      }),
      { seed, numRuns: inputs },
    )
    expect(setup.errors).toEqual([])
  })

  it.each([
    ['a byte order mark', '\uFEFF{"query":"{ __typename }"}'],
    ['bytes that are no text', Buffer.from([0x7b, 0x22, 0xff, 0xfe, 0x22, 0x7d])],
    [
      'text that is cut in the middle of a letter',
      Buffer.from('{"query":"{ __typename } # é').subarray(0, -1),
    ],
    ['one name twice', '{"query":"{ nope }","query":"{ __typename }"}'],
    ['a list of requests', '[{"query":"{ __typename }"}]'],
    ['another parameter', '{"query":"{ __typename }","more":1}'],
    ['__proto__ for a parameter', '{"query":"{ __typename }","__proto__":{"operationName":"x"}}'],
    ['no name of an operation', '{"query":"{ __typename }","operationName":""}'],
    ['another name of an operation', '{"query":"{ __typename }","operationName":"nope"}'],
    ['variables that are a list', '{"query":"{ __typename }","variables":[]}'],
    ['variables that are text', '{"query":"{ __typename }","variables":"{}"}'],
    ['extensions', '{"query":"{ __typename }","extensions":{"persistedQuery":{"version":1}}}'],
    ['nothing', ' '],
  ])('with %s', async (_what, body) => {
    const setup = await setSetup({ auth: { kind: 'disabled' } })
    for (let lesson = 0; lesson < LESSONS; lesson += 1) {
      await ask(setup.fast, { query: '{ __typename }' })
    }
    const long = await send(setup.long, { accept: '*/*' }, body)
    for (const _time of [1, 2, 3]) {
      const fast = await send(setup.fast, { accept: '*/*' }, body)
      expect(comparable(fast)).toEqual(comparable(long))
      expect(fast.status).toBeLessThan(500)
    }
  })

  it.each<[string, Readonly<Record<string, string>>]>([
    ['another origin', { origin: 'https://evil.example' }],
    ['a listed origin', { origin: 'https://app.example.com' }],
    ['an origin called null', { origin: 'null' }],
    ['text as its type', { 'content-type': 'text/plain' }],
    ['another charset', { 'content-type': 'application/json; charset=latin1' }],
    ['a content coding', { 'content-encoding': 'gzip' }],
    ['a bad token', { authorization: 'Bearer x.y.z' }],
    ['a token in other words', { authorization: 'bearer  x' }],
    ['a name for the request', { 'x-request-id': 'mine' }],
    ['other hosts', { host: 'evil.example' }],
    ['a long Accept', { accept: `application/json, ${'x/y,'.repeat(100)}*/*` }],
  ])('with %s in its headers', async (_what, odd) => {
    const setup = await setSetup()
    const headers = { authorization: `Bearer ${await tokenFor('ada')}`, accept: '*/*' }
    const question = { query: '{ uploads { totalCount } }', headers }
    for (let lesson = 0; lesson < LESSONS; lesson += 1) await ask(setup.fast, question)
    const long = await ask(setup.long, { ...question, headers: { ...headers, ...odd } })
    for (const _time of [1, 2, 3]) {
      const fast = await ask(setup.fast, { ...question, headers: { ...headers, ...odd } })
      expect(comparable(fast)).toEqual(comparable(long))
      expect(fast.status).toBeLessThan(500)
    }
  })
})
