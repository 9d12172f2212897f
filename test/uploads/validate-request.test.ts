/** What a request may ask for: each field at and around each of its limits. */
import { describe, expect, test } from 'vitest'
import {
  validateIdempotencyKey,
  validateRequest,
} from '../../src/uploads/create/validate-request.ts'
import type { JsonObject } from '../../src/shared/json.ts'
import type { Policy } from '../../src/uploads/policy.ts'
import type { UploadRequest } from '../../src/uploads/create/upload-request.ts'
import { CREATED_AT as now, after, requestOf } from '../kit/samples.ts'

const policy: Policy = {
  maxDurationSeconds: 36_000,
  creatorQuotaSeconds: null,
  createsPerMinute: 60,
}
const DAY = 86_400

/** Where the issues are, each path joined by a dot. */
function issuesOf(said: Partial<UploadRequest>, rules: Policy = policy): string[] {
  return validateRequest(requestOf(said), rules, now).map(({ path }) => path.join('.'))
}

const fine: string[] = []

describe.each<[field: string, cases: [said: Partial<UploadRequest>, issues: string[]][]]>([
  [
    'maxDurationSeconds, 1 to 36,000 whole seconds',
    [
      [{ maxDurationSeconds: 0 }, ['maxDurationSeconds']],
      [{ maxDurationSeconds: 1 }, fine],
      [{ maxDurationSeconds: 1.5 }, ['maxDurationSeconds']],
      [{ maxDurationSeconds: 36_000 }, fine],
      [{ maxDurationSeconds: 36_001 }, ['maxDurationSeconds']],
      [{ maxDurationSeconds: -1 }, ['maxDurationSeconds']],
      [{ maxDurationSeconds: Number.NaN }, ['maxDurationSeconds']],
      [{ maxDurationSeconds: Infinity }, ['maxDurationSeconds']],
    ],
  ],
  [
    'sizeBytes, 1 byte to 30 GB for tus, and nobody asks for a basic upload',
    [
      [{ protocol: 'TUS', sizeBytes: null }, ['sizeBytes']],
      [{ protocol: 'TUS', sizeBytes: 0 }, ['sizeBytes']],
      [{ protocol: 'TUS', sizeBytes: 1 }, fine],
      [{ protocol: 'TUS', sizeBytes: 1.5 }, ['sizeBytes']],
      [{ protocol: 'TUS', sizeBytes: 30_000_000_000 }, fine],
      [{ protocol: 'TUS', sizeBytes: 30_000_000_001 }, ['sizeBytes']],
      [{ protocol: 'TUS', sizeBytes: Number.NaN }, ['sizeBytes']],
      [{ protocol: 'BASIC', sizeBytes: null }, fine],
    ],
  ],
  [
    'expiry, 2 minutes to 6 hours ahead',
    [
      [{ expiry: after(119.999) }, ['expiry']],
      [{ expiry: after(120) }, fine],
      [{ expiry: after(6 * 3600) }, fine],
      [{ expiry: after(6 * 3600 + 0.001) }, ['expiry']],
      [{ expiry: after(-1) }, ['expiry']],
      [{ expiry: new Date(Number.NaN) }, ['expiry']],
    ],
  ],
  [
    'name, 1 to 256 characters, given once',
    [
      [{ name: '' }, ['name']],
      [{ name: 'n' }, fine],
      [{ name: 'n'.repeat(256) }, fine],
      [{ name: 'n'.repeat(257) }, ['name']],
      [{ name: 'a.mp4', meta: { name: 'a.mp4' } }, fine],
      [{ name: 'a.mp4', meta: { name: 'b.mp4' } }, ['meta.name']],
      [{ name: 'a.mp4', meta: { name: 7 } }, ['meta.name']],
      [{ meta: { name: 'a.mp4' } }, fine],
    ],
  ],
  [
    'allowedOrigins, at most 100 hosts without scheme and path',
    [
      [{ allowedOrigins: [] }, fine],
      [{ allowedOrigins: ['example.com', '*.example.com', 'localhost:3000'] }, fine],
      [{ allowedOrigins: ['xn--bcher-kva.example', 'EXAMPLE.com:8080'] }, fine],
      [{ allowedOrigins: Array.from({ length: 100 }, (_, n) => `a${n}.example.com`) }, fine],
      [
        { allowedOrigins: Array.from({ length: 101 }, (_, n) => `a${n}.example.com`) },
        ['allowedOrigins'],
      ],
      [{ allowedOrigins: Array.from({ length: 101 }, () => 'example.com/') }, nth(0, 100, true)],
      [{ allowedOrigins: ['https://example.com'] }, ['allowedOrigins.0']],
      [{ allowedOrigins: ['example.com', 'example.com/path'] }, ['allowedOrigins.1']],
      [{ allowedOrigins: ['', '*', '*.', '.com', 'a..b', '-a.com', 'a-.com'] }, nth(0, 7)],
      [{ allowedOrigins: ['a.com:', 'a.com:x', 'a b.com', 'a,b.com', 'a.*.com'] }, nth(0, 5)],
      [{ allowedOrigins: ['user@example.com', 'bücher.example', 'a.com\n'] }, nth(0, 3)],
      [{ allowedOrigins: [`${'a'.repeat(63)}.com`] }, fine],
      [{ allowedOrigins: [`${'a'.repeat(64)}.com`] }, ['allowedOrigins.0']],
      [{ allowedOrigins: [hostOf(253)] }, fine],
      [{ allowedOrigins: [hostOf(254)] }, ['allowedOrigins.0']],
    ],
  ],
  [
    'scheduledDeletion, 30 to 1,096 days ahead',
    [
      [{ scheduledDeletion: after(30 * DAY - 0.001) }, ['scheduledDeletion']],
      [{ scheduledDeletion: after(30 * DAY) }, fine],
      [{ scheduledDeletion: after(1096 * DAY) }, fine],
      [{ scheduledDeletion: after(1096 * DAY + 0.001) }, ['scheduledDeletion']],
      [{ scheduledDeletion: new Date(Number.NaN) }, ['scheduledDeletion']],
    ],
  ],
  [
    'thumbnailTimestampPct, 0 to 1',
    [
      [{ thumbnailTimestampPct: -0.001 }, ['thumbnailTimestampPct']],
      [{ thumbnailTimestampPct: 0 }, fine],
      [{ thumbnailTimestampPct: 1 }, fine],
      [{ thumbnailTimestampPct: 1.001 }, ['thumbnailTimestampPct']],
      [{ thumbnailTimestampPct: Number.NaN }, ['thumbnailTimestampPct']],
    ],
  ],
  [
    'creator, 1 to 64 characters',
    [
      [{ creator: '' }, ['creator']],
      [{ creator: 'c' }, fine],
      [{ creator: 'c'.repeat(64) }, fine],
      [{ creator: 'c'.repeat(65) }, ['creator']],
    ],
  ],
])('%s', (_field, cases) => {
  test.each(cases)('%j', (said, issues) => {
    expect(issuesOf(said)).toEqual(issues)
  })
})

/** Paths of so many entries of allowedOrigins, behind one of the list itself where it is too long. */
function nth(from: number, to: number, tooMany = false): string[] {
  const entries = Array.from({ length: to - from }, (_, n) => `allowedOrigins.${from + n}`)
  return tooMany ? ['allowedOrigins', ...entries] : entries
}

/** A host of so many characters. */
function hostOf(length: number): string {
  return 'abcdefghi.'.repeat(30).slice(0, length - 3) + 'com'
}

/** A meta of so many bytes when it is written as JSON. */
function metaOf(bytes: number, letter = 'a'): JsonObject {
  const width = new TextEncoder().encode(letter).length
  return { k: letter.repeat((bytes - '{"k":""}'.length) / width) }
}

describe('meta', () => {
  test.each<[what: string, meta: JsonObject, basic: string[], tus: string[]]>([
    ['nothing at all', {}, fine, fine],
    ['any JSON', { a: { b: [1, null, true, 'ü'] } }, fine, fine],
    ['4,096 bytes', metaOf(4096), fine, fine],
    ['4,097 bytes', metaOf(4097), ['meta'], ['meta']],
    ['4,096 bytes in fewer characters', metaOf(4096, 'ü'), fine, fine],
    ['4,098 bytes in 2,053 characters', metaOf(4098, 'ü'), ['meta'], ['meta']],
    ["the gateway's own key", { headgate: 'x' }, ['meta.headgate'], ['meta.headgate']],
    ['the same in capitals', { HeadGate: 'x' }, ['meta.HeadGate'], ['meta.HeadGate']],
    ['a setting of Stream', { maxDurationSeconds: 1 }, fine, ['meta.maxDurationSeconds']],
    ['the same in lower case', { maxdurationseconds: 1 }, fine, ['meta.maxdurationseconds']],
    ['an expiry', { Expiry: 'x' }, fine, ['meta.Expiry']],
    ['a key with a space', { 'my key': 1 }, fine, ['meta.my key']],
    ['a key with a comma', { 'a,b': 1 }, fine, ['meta.a,b']],
    ['a key beyond ASCII', { schlüssel: 1 }, fine, ['meta.schlüssel']],
    ['a key with a line break', { 'a\nb': 1 }, fine, ['meta.a\nb']],
    ['an empty key', { '': 1 }, fine, ['meta.']],
    ['a key of 64 characters', { ['k'.repeat(64)]: 1 }, fine, fine],
    ['a key of 65 characters', { ['k'.repeat(65)]: 1 }, fine, [`meta.${'k'.repeat(65)}`]],
    ['such a key deeper down', { deep: { 'a,b': 1, expiry: 1, headgate: 1 } }, fine, fine],
  ])('%s', (_what, meta, basic, tus) => {
    expect(issuesOf({ protocol: 'BASIC', meta })).toEqual(basic)
    expect(issuesOf({ protocol: 'TUS', sizeBytes: 1, meta })).toEqual(tus)
  })

  test.each([
    'maxdurationseconds',
    'expiry',
    'requiresignedurls',
    'allowedorigins',
    'thumbnailtimestamppct',
    'watermark',
    'scheduleddeletion',
    'creator',
  ])('of a tus upload cannot set %s behind the gateway', (key) => {
    expect(issuesOf({ protocol: 'TUS', sizeBytes: 1, meta: { [key]: 'x' } })).toEqual([
      `meta.${key}`,
    ])
  })
})

test('all issues are told at once, each with its path and what would be right', () => {
  const request = requestOf({
    protocol: 'TUS',
    sizeBytes: 0,
    maxDurationSeconds: 0,
    expiry: now,
    name: '',
    meta: { headgate: 1, 'a b': 2 },
    allowedOrigins: ['https://a.com', 'b.com', 'c.com/'],
    scheduledDeletion: now,
    thumbnailTimestampPct: 2,
    creator: '',
  })
  const issues = validateRequest(request, policy, now)
  expect(issues.map(({ path }) => path)).toEqual([
    ['maxDurationSeconds'],
    ['sizeBytes'],
    ['expiry'],
    ['name'],
    ['meta', 'headgate'],
    ['meta', 'a b'],
    ['allowedOrigins', '0'],
    ['allowedOrigins', '2'],
    ['scheduledDeletion'],
    ['thumbnailTimestampPct'],
    ['creator'],
  ])
  for (const { message } of issues) expect(message).toMatch(/\.$/)
})

test('the expiry is refused with the moments between which it would be right', () => {
  const [issue] = validateRequest(requestOf({ expiry: now }), policy, now)
  expect(issue?.message).toContain(after(120).toISOString())
  expect(issue?.message).toContain(after(6 * 3600).toISOString())
})

test('whoever runs the gateway may allow less than Stream does, but not more', () => {
  const short = { ...policy, maxDurationSeconds: 60 }
  expect(issuesOf({ maxDurationSeconds: 60 }, short)).toEqual(fine)
  expect(issuesOf({ maxDurationSeconds: 61 }, short)).toEqual(['maxDurationSeconds'])
  const long = { ...policy, maxDurationSeconds: 100_000 }
  expect(issuesOf({ maxDurationSeconds: 36_001 }, long)).toEqual(['maxDurationSeconds'])
})

test.each<[key: string | null, issues: number]>([
  [null, 0],
  ['', 1],
  ['k', 0],
  ['k'.repeat(255), 0],
  ['k'.repeat(256), 1],
])('an idempotency key has 1 to 255 characters: %j', (key, issues) => {
  expect(validateIdempotencyKey(key).map(({ path }) => path)).toEqual(
    Array.from({ length: issues }, () => ['idempotencyKey']),
  )
})
