/** Request fingerprints, which distinguish a retry from another request with the same idempotency key. */
import { isDeepStrictEqual } from 'node:util'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { JsonValue } from '../../src/shared/json.ts'
import { fingerprintsOf } from '../../src/uploads/create/fingerprint.ts'
import { createReservation } from '../../src/uploads/create/reservation.ts'
import type { UploadRequest } from '../../src/uploads/create/upload-request.ts'
import { CREATED_AT, after, requestOf } from '../kit/samples.ts'

const SUBJECT = 'carol'

/** Returns the fingerprint that is stored. */
async function fingerprintOf(request: UploadRequest): Promise<string> {
  const [recorded] = await fingerprintsOf(request, SUBJECT)
  return recorded
}

const full = requestOf({
  protocol: 'TUS',
  sizeBytes: 30_000_000_000,
  maxDurationSeconds: 600,
  expiry: after(3600),
  name: 'Zoë.mp4',
  meta: { a: 1, b: { c: [1, { d: null }], e: 'é' } },
  allowedOrigins: ['a.com', 'b.com'],
  requireSignedURLs: true,
  scheduledDeletion: after(40 * 86_400),
  thumbnailTimestampPct: 0.5,
  creator: 'alice',
})

test('is 64 hex digits and equal for equal requests', async () => {
  const fingerprint = await fingerprintOf(full)
  expect(fingerprint).toMatch(/^[0-9a-f]{64}$/)
  expect(await fingerprintOf({ ...full })).toBe(fingerprint)
})

test('does not depend on the idempotency key', async () => {
  expect(await fingerprintOf({ ...full, idempotencyKey: 'k' })).toBe(await fingerprintOf(full))
})

describe('differs for any difference', () => {
  test.each<Partial<UploadRequest>>([
    { protocol: 'BASIC' },
    { sizeBytes: 30_000_000_001 },
    { sizeBytes: null },
    { maxDurationSeconds: 601 },
    { expiry: after(3600.001) },
    { expiry: null },
    { name: 'Zoe.mp4' },
    { name: null },
    { meta: { a: 1, b: { c: [{ d: null }, 1], e: 'é' } } },
    { meta: { a: 1, b: { c: [1, { d: null }] }, e: 'é' } },
    { meta: { a: '1', b: { c: [1, { d: null }], e: 'é' } } },
    { meta: { a: 1, b: { c: [1, {}], e: 'é' } } },
    { meta: {} },
    { meta: null },
    { allowedOrigins: ['b.com', 'a.com'] },
    { allowedOrigins: ['a.com,b.com'] },
    { allowedOrigins: [] },
    { allowedOrigins: null },
    { requireSignedURLs: false },
    { requireSignedURLs: null },
    { scheduledDeletion: null },
    { thumbnailTimestampPct: 0 },
    { thumbnailTimestampPct: null },
    { creator: 'bob' },
    { creator: null },
  ])('%j', async (changes) => {
    expect(await fingerprintOf({ ...full, ...changes })).not.toBe(await fingerprintOf(full))
  })
})

const { value: jsonValue } = fc.letrec<{ value: JsonValue }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 2 },
    fc.constantFrom(null, true, false, 0, 1, -1.5, '', 'null', '1', 'é'),
    fc.string({ maxLength: 3 }),
    fc.array(tie('value'), { maxLength: 2 }),
    fc.dictionary(fc.string({ maxLength: 1 }), tie('value'), { maxKeys: 2, noNullPrototype: true }),
  ),
}))

/** Properties of an object, in arbitrary order. */
const members = fc.uniqueArray(fc.tuple(fc.constantFrom('', 'a', 'b', 'A'), jsonValue), {
  selector: ([key]) => key,
  maxLength: 3,
})

test('does not depend on the order of keys at any depth', async () => {
  await fc.assert(
    fc.asyncProperty(members, async (entries) => {
      const one = Object.fromEntries(entries)
      const other = Object.fromEntries(entries.toReversed())
      expect(await fingerprintOf(requestOf({ meta: { first: one, second: [one] } }))).toBe(
        await fingerprintOf(requestOf({ meta: { second: [other], first: other } })),
      )
    }),
  )
})

test('is equal for two metas exactly when they are the same JSON', async () => {
  await fc.assert(
    fc.asyncProperty(members, members, async (some, others) => {
      const [one, other] = [Object.fromEntries(some), Object.fromEntries(others)]
      const same = isDeepStrictEqual(one, other)
      const fingerprints = await Promise.all([
        fingerprintOf(requestOf({ meta: one })),
        fingerprintOf(requestOf({ meta: other })),
      ])
      expect(fingerprints[0] === fingerprints[1]).toBe(same)
    }),
    { numRuns: 300 },
  )
})

/** Everything that depends on a request: the reservation, and the thumbnail sent to Stream. */
function outcomeOf(request: UploadRequest): object {
  const reservation = createReservation(request, {
    id: 'reference',
    creator: request.creator ?? SUBJECT,
    requestedBy: SUBJECT,
    fingerprint: '',
    createdAt: CREATED_AT,
  })
  return {
    ...reservation, // -0 equals 0.
    thumbnail: (request.thumbnailTimestampPct ?? 0) + 0,
  }
}

const optional = <T>(...values: T[]) => fc.constantFrom<T | null>(null, ...values)

const fields = {
  protocol: fc.constantFrom('BASIC', 'TUS'),
  expiry: optional(after(3600)),
  name: optional('a', 'b'),
  meta: optional<NonNullable<UploadRequest['meta']>>(
    {},
    { name: 'a' },
    { name: 'a', b: 1 },
    { b: 1, name: 'a' },
    { b: '1' },
  ),
  allowedOrigins: optional<readonly string[]>([], ['a.com']),
  requireSignedURLs: optional(false, true),
  scheduledDeletion: optional(after(40 * 86_400)),
  thumbnailTimestampPct: optional(0, -0, 0.5, 1),
  creator: optional(SUBJECT, 'bob'),
}
const requests = fc.record(fields).map(requestOf)

/** Two requests that differ in a few fields, or write the same value in different ways. */
const pairs = fc
  .tuple(fc.record(fields), fc.record(fields, { requiredKeys: [] }))
  .map(([one, changes]) => [requestOf(one), requestOf({ ...one, ...changes })] as const)

test('is equal for two requests exactly when they create the same upload', async () => {
  await fc.assert(
    fc.asyncProperty(pairs, async ([one, other]) => {
      const same = isDeepStrictEqual(outcomeOf(one), outcomeOf(other))
      expect((await fingerprintOf(one)) === (await fingerprintOf(other))).toBe(same)
    }),
    { numRuns: 2000 },
  )
})

/** A request, and the same request with some defaults omitted or written out. */
const equalRequests = requests.map((request): readonly [UploadRequest, UploadRequest] => [
  request,
  {
    ...request,
    name: request.name === request.meta?.['name'] ? null : request.name,
    meta: request.meta ?? {},
    allowedOrigins: request.allowedOrigins ?? [],
    requireSignedURLs: request.requireSignedURLs ?? false,
    thumbnailTimestampPct: request.thumbnailTimestampPct ?? 0,
    creator: request.creator ?? SUBJECT,
  },
])

test('is equal for omitted and explicit defaults', async () => {
  await fc.assert(
    fc.asyncProperty(equalRequests, async ([one, other]) => {
      expect(await fingerprintOf(one)).toBe(await fingerprintOf(other))
    }),
  )
})

test.each([
  [
    'that omits the defaults',
    {},
    '52f5297ce0d435e89f9fc0f6b1f221f46b1ee845bbd7c96a046ff4a0e9b7a550',
  ],
  [
    'that has explicit defaults',
    { requireSignedURLs: false, allowedOrigins: [], meta: {} },
    'be35f76f1c8a91d1f34ede6bfa3591b7a1bb90857a5ed77a84d34f3c26d58d8c',
  ],
])(
  'contains the fingerprint of version 0.1.0 for a request %s',
  async (_what, options, recorded) => {
    const request = requestOf({ maxDurationSeconds: 60, ...options })
    expect(await fingerprintsOf(request, SUBJECT)).toContain(recorded)
  },
)
