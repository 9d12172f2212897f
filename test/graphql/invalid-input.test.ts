/** Input rejected before any request to Stream: all issues together, nothing reserved or stored. */
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { type TestGateway, startTestGateway } from '../kit/gateway.ts'
import {
  createDirectUpload,
  createTusUpload,
  expectMinted,
  storageUsage,
} from '../kit/operations.ts'

const minutes = (count: number): string => new Date(Date.now() + count * 60_000).toISOString()
const days = (count: number): string => minutes(count * 24 * 60)

describe('a basic upload', () => {
  it.each<[string, Record<string, unknown>, string[]]>([
    ['duration 0', { maxDurationSeconds: 0 }, ['maxDurationSeconds']],
    ['duration 36001', { maxDurationSeconds: 36_001 }, ['maxDurationSeconds']],
    ['an expiry in the past', { expiry: minutes(-1) }, ['expiry']],
    ['an expiry under 2 minutes', { expiry: minutes(1.9) }, ['expiry']],
    ['an expiry over 6 hours', { expiry: minutes(361) }, ['expiry']],
    ['an origin with a path', { allowedOrigins: ['a.com', 'b.com/x'] }, ['allowedOrigins.1']],
    ['an origin with a scheme', { allowedOrigins: ['https://a.com'] }, ['allowedOrigins.0']],
    ['a thumbnail percentage of 1.2', { thumbnailTimestampPct: 1.2 }, ['thumbnailTimestampPct']],
    ['scheduledDeletion tomorrow', { scheduledDeletion: days(1) }, ['scheduledDeletion']],
    ['an empty name', { name: '' }, ['name']],
    ['half a character in a name', { name: 'a\ud83d' }, ['name']],
    ['half a character in meta', { meta: { a: 'b\ude00' } }, ['meta.a']],
    ['half a character deep in meta', { meta: { a: [{ b: { '\ud83d': 1 } }] } }, ['meta.a']],
    ['half a character in a meta key', { meta: { 'a\ud83d': 1 } }, ['meta.a\ud83d']],
    ['half a character in the name in meta', { meta: { name: '\ud83d' } }, ['meta.name']],
    ['half a character in the key', { idempotencyKey: '\ud83d' }, ['idempotencyKey']],
    ['half a character in the creator', { creator: '\ud83d' }, ['creator']],
    ['half a character in an origin', { allowedOrigins: ['\ud83d.com'] }, ['allowedOrigins.0']],
    ['two names', { name: 'a', meta: { name: 'b' } }, ['meta.name']],
    ["the gateway's own meta key", { meta: { headgate: 'x' } }, ['meta.headgate']],
    [
      'three errors',
      { maxDurationSeconds: -1, expiry: minutes(1), thumbnailTimestampPct: -0.1 },
      ['maxDurationSeconds', 'expiry', 'thumbnailTimestampPct'],
    ],
  ])('rejects %s', async (_name, input, paths) => {
    const gateway = await startTestGateway()
    const outcome = await createDirectUpload(gateway.as(), input)
    expect(outcome).toMatchObject({ __typename: 'InvalidInputError', code: 'INVALID_INPUT' })
    expect('issues' in outcome && outcome.issues.map(({ path }) => path.join('.'))).toEqual(paths)
    await expectNothingCreated(gateway)
  })
})

describe('a tus upload', () => {
  it.each<[string, Record<string, unknown>, string[]]>([
    ['size 0', { sizeBytes: 0 }, ['sizeBytes']],
    ['a size over 30 GB', { sizeBytes: 30_000_000_001 }, ['sizeBytes']],
    ['half a character in a name', { sizeBytes: 1, name: '\ud83d' }, ['name']],
    ['half a character in meta', { sizeBytes: 1, meta: { a: { b: ['\ud83d'] } } }, ['meta.a']],
    [
      'meta keys that are settings of Stream',
      { sizeBytes: 1, meta: { MaxDurationSeconds: '36000', requiresignedurls: '' } },
      ['meta.MaxDurationSeconds', 'meta.requiresignedurls'],
    ],
    [
      'meta keys that Upload-Metadata cannot contain',
      { sizeBytes: 1, meta: { 'a b': '', 'ü,': '' } },
      ['meta.a b', 'meta.ü,'],
    ],
  ])('rejects %s', async (_name, input, paths) => {
    const gateway = await startTestGateway()
    const outcome = await createTusUpload(gateway.as(), input)
    expect(outcome).toMatchObject({ __typename: 'InvalidInputError' })
    expect('issues' in outcome && outcome.issues.map(({ path }) => path.join('.'))).toEqual(paths)
    await expectNothingCreated(gateway)
  })
})

describe('an input with many errors', () => {
  it('lists twenty and counts the others', async () => {
    const gateway = await startTestGateway()
    const meta = Object.fromEntries(Array.from({ length: 400 }, (_, index) => [` ${index}`, 0]))
    const outcome = await createTusUpload(gateway.as(), { sizeBytes: 1, meta })
    const issues = 'issues' in outcome ? outcome.issues : []
    expect(issues.map(({ path }) => path.join('.'))).toEqual([
      ...Array.from({ length: 20 }, (_, index) => `meta. ${index}`),
      'meta',
    ])
    expect(issues.at(-1)?.message).toBe('and 380 more issues.')
  })

  it.each([
    ['meta', { meta: { text: 'x'.repeat(5000) } }],
    ['origins', { allowedOrigins: Array.from({ length: 101 }, () => 'example.com') }],
  ])('does not use its idempotency key if it is too large: %s', async (_name, input) => {
    const gateway = await startTestGateway()
    const key = { idempotencyKey: 'key' }
    const rejected = await createDirectUpload(gateway.as(), { ...key, ...input })
    expect(rejected).toMatchObject({ __typename: 'InvalidInputError' })
    const { uid } = expectMinted(await createDirectUpload(gateway.as(), key))
    // The key has an outcome now, and this request has nothing in common with it.
    expect(await createDirectUpload(gateway.as(), { ...key, ...input })).toEqual(rejected)
    expect(expectMinted(await createDirectUpload(gateway.as(), key)).uid).toBe(uid)
  })
})

it('accepts whole characters of two UTF-16 units in every text', async () => {
  const gateway = await startTestGateway()
  const input = { name: '😀'.repeat(128), meta: { '😀': ['😀'] }, idempotencyKey: '😀' }
  const { uid } = expectMinted(await createDirectUpload(gateway.as(), input))
  const { videos } = await gateway.emulator.state()
  expect(videos).toMatchObject([{ uid, meta: { name: input.name, '😀': ['😀'] } }])
})

it('rejects tus metadata that is not UTF-8', async () => {
  const gateway = await startTestGateway()
  // Surrogates, each encoded alone: https://www.rfc-editor.org/rfc/rfc3629#section-3
  for (const bytes of [[0xed, 0xa0, 0xbd], [0xed, 0xb8, 0x80], [0xff]]) {
    const value = Buffer.from(bytes).toString('base64')
    for (const key of ['name', 'album']) {
      const response = await fetch(`${gateway.url}/tus`, {
        method: 'POST',
        headers: {
          'tus-resumable': '1.0.0',
          'upload-length': '1',
          'upload-metadata': `${key} ${value}`,
        },
      })
      expect(response.status).toBe(400)
      expect(await response.text()).toContain(key)
    }
  }
  await expectNothingCreated(gateway)
})

describe('input that the GraphQL types reject', () => {
  it.each<[string, Record<string, unknown>, RegExp]>([
    ['duration 1.5', { maxDurationSeconds: 1.5 }, /Int cannot represent non-integer value: 1\.5/],
    ['meta that is a list', { meta: [1] }, /JSONObject must be a JSON object .* got a list/],
    ['meta that is text', { meta: 'x' }, /JSONObject must be a JSON object .* got string/],
    [
      'an expiry without a time zone',
      { expiry: '2026-02-27T07:20:50' },
      /DateTime must be an RFC 3339/,
    ],
    ['30 February', { expiry: '2026-02-30T07:20:50Z' }, /DateTime must be an RFC 3339/],
    ['a field that does not exist', { maxSeconds: 1 }, /Field "maxSeconds" is not defined/],
  ])('rejects %s with a message', async (_name, input, message) => {
    const gateway = await startTestGateway()
    await expect(createDirectUpload(gateway.as(), input)).rejects.toThrow(message)
    await expectNothingCreated(gateway)
  })

  it.each([-1, 1.5, 2 ** 53, 'many', null, '1e9'])(
    'rejects a size of %j bytes',
    async (sizeBytes) => {
      const gateway = await startTestGateway()
      await expect(createTusUpload(gateway.as(), { sizeBytes })).rejects.toThrow(/ByteCount/)
      await expectNothingCreated(gateway)
    },
  )
})

describe('ByteCount', () => {
  it('represents 30 GB exactly in variables, literals, output and JSON', async () => {
    const gateway = await startTestGateway()
    const caller = gateway.as()
    const bytes = 30_000_000_000
    const { uid } = expectMinted(await createTusUpload(caller, { sizeBytes: bytes }))
    const shape = z.object({
      upload: z.object({
        progress: z.object({ totalBytes: z.number() }),
        constraints: z.object({ maxSizeBytes: z.number() }),
      }),
    })
    const document =
      'query ($uid: ID!) { upload(uid: $uid) { progress { totalBytes } constraints { maxSizeBytes } } }'
    expect(await caller.request(shape, document, { uid })).toEqual({
      upload: { progress: { totalBytes: bytes }, constraints: { maxSizeBytes: bytes } },
    })
    const raw = await fetch(`${gateway.url}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({
        query: `mutation { createTusUpload(input: { sizeBytes: 30000000000, maxDurationSeconds: 1 }) { ... on CreateTusUploadSuccess { upload { progress { totalBytes } } } } }`,
      }),
    })
    expect(await raw.text()).toContain('"totalBytes":30000000000}')
    const asText = await createTusUpload(caller, { sizeBytes: '30000000000' })
    expect(asText.__typename).toBe('CreateTusUploadSuccess')
  })
})

async function expectNothingCreated(gateway: TestGateway): Promise<void> {
  const caller = gateway.as()
  const { uploads } = await caller.request(
    z.object({ uploads: z.object({ totalCount: z.number() }) }),
    '{ uploads { totalCount } }',
  )
  expect(uploads.totalCount).toBe(0)
  expect(await storageUsage(caller)).toMatchObject({ reservedMinutes: 0, videoCount: 0 })
  const { videos, reservedSeconds } = await gateway.emulator.state()
  expect({ videos, reservedSeconds }).toEqual({ videos: [], reservedSeconds: 0 })
}
