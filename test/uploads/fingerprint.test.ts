/** How a key that comes back is told from one used twice. */
import { isDeepStrictEqual } from 'node:util'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { JsonValue } from '../../src/uploads/json.ts'
import { type UploadRequest, fingerprintOf } from '../../src/uploads/upload-request.ts'
import { after, requestOf } from '../kit/samples.ts'

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

test('is 64 hex digits, and the same for the same request', async () => {
  const fingerprint = await fingerprintOf(full)
  expect(fingerprint).toMatch(/^[0-9a-f]{64}$/)
  expect(await fingerprintOf({ ...full })).toBe(fingerprint)
})

test('the key itself is not part of it', async () => {
  expect(await fingerprintOf({ ...full, idempotencyKey: 'k' })).toBe(await fingerprintOf(full))
})

describe('any difference makes another', () => {
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
  ])('%j', async (said) => {
    expect(await fingerprintOf({ ...full, ...said })).not.toBe(await fingerprintOf(full))
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

/** Members of an object, in some order. */
const members = fc.uniqueArray(fc.tuple(fc.constantFrom('', 'a', 'b', 'A'), jsonValue), {
  selector: ([key]) => key,
  maxLength: 3,
})

test('the order of keys makes no difference, at any depth', async () => {
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

test('two metas share a fingerprint exactly when they are the same JSON', async () => {
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
