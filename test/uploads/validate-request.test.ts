/** Validation of a request: each field at and around each of its limits. */
import { describe, expect, test } from 'vitest'
import { limitsInForce } from '../../src/uploads/caller-limits.ts'
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
  watermarkUid: null,
}
const DAY = 86_400

/** Returns the paths of the issues, each joined by dots. */
function issuesOf(fields: Partial<UploadRequest>, rules: Policy = policy): string[] {
  return validateRequest(requestOf(fields), limitsInForce(rules, null), now).map(({ path }) =>
    path.join('.'),
  )
}

const noIssues: string[] = []

describe.each<[field: string, cases: [fields: Partial<UploadRequest>, issues: string[]][]]>([
  [
    'maxDurationSeconds, 1 to 36,000 whole seconds',
    [
      [{ maxDurationSeconds: 0 }, ['maxDurationSeconds']],
      [{ maxDurationSeconds: 1 }, noIssues],
      [{ maxDurationSeconds: 1.5 }, ['maxDurationSeconds']],
      [{ maxDurationSeconds: 36_000 }, noIssues],
      [{ maxDurationSeconds: 36_001 }, ['maxDurationSeconds']],
      [{ maxDurationSeconds: -1 }, ['maxDurationSeconds']],
      [{ maxDurationSeconds: Number.NaN }, ['maxDurationSeconds']],
      [{ maxDurationSeconds: Infinity }, ['maxDurationSeconds']],
    ],
  ],
  [
    'sizeBytes, 1 byte to 30 GB for tus, and optional for a basic upload',
    [
      [{ protocol: 'TUS', sizeBytes: null }, ['sizeBytes']],
      [{ protocol: 'TUS', sizeBytes: 0 }, ['sizeBytes']],
      [{ protocol: 'TUS', sizeBytes: 1 }, noIssues],
      [{ protocol: 'TUS', sizeBytes: 1.5 }, ['sizeBytes']],
      [{ protocol: 'TUS', sizeBytes: 30_000_000_000 }, noIssues],
      [{ protocol: 'TUS', sizeBytes: 30_000_000_001 }, ['sizeBytes']],
      [{ protocol: 'TUS', sizeBytes: Number.NaN }, ['sizeBytes']],
      [{ protocol: 'BASIC', sizeBytes: null }, noIssues],
    ],
  ],
  [
    'expiry, 2 minutes to 6 hours ahead',
    [
      [{ expiry: after(119.999) }, ['expiry']],
      [{ expiry: after(120) }, noIssues],
      [{ expiry: after(6 * 3600) }, noIssues],
      [{ expiry: after(6 * 3600 + 0.001) }, ['expiry']],
      [{ expiry: after(-1) }, ['expiry']],
      [{ expiry: new Date(Number.NaN) }, ['expiry']],
    ],
  ],
  [
    'name, 1 to 256 characters, without a conflicting meta.name',
    [
      [{ name: '' }, ['name']],
      [{ name: 'n' }, noIssues],
      [{ name: 'n'.repeat(256) }, noIssues],
      [{ name: 'n'.repeat(257) }, ['name']],
      [{ name: 'a.mp4', meta: { name: 'a.mp4' } }, noIssues],
      [{ name: 'a.mp4', meta: { name: 'b.mp4' } }, ['meta.name']],
      [{ name: 'a.mp4', meta: { name: 7 } }, ['meta.name']],
      [{ meta: { name: 'a.mp4' } }, noIssues],
    ],
  ],
  [
    'allowedOrigins, at most 100 hosts without scheme and path',
    [
      [{ allowedOrigins: [] }, noIssues],
      [{ allowedOrigins: ['example.com', '*.example.com', 'localhost:3000'] }, noIssues],
      [{ allowedOrigins: ['xn--bcher-kva.example', 'EXAMPLE.com:8080'] }, noIssues],
      [{ allowedOrigins: Array.from({ length: 100 }, (_, n) => `a${n}.example.com`) }, noIssues],
      [
        { allowedOrigins: Array.from({ length: 101 }, (_, n) => `a${n}.example.com`) },
        ['allowedOrigins'],
      ],
      [{ allowedOrigins: Array.from({ length: 101 }, () => 'example.com/') }, ['allowedOrigins']],
      [{ allowedOrigins: ['https://example.com'] }, ['allowedOrigins.0']],
      [{ allowedOrigins: ['example.com', 'example.com/path'] }, ['allowedOrigins.1']],
      [{ allowedOrigins: ['', '*', '*.', '.com', 'a..b', '-a.com', 'a-.com'] }, originPaths(0, 7)],
      [
        { allowedOrigins: ['a.com:', 'a.com:x', 'a b.com', 'a,b.com', 'a.*.com'] },
        originPaths(0, 5),
      ],
      [{ allowedOrigins: ['user@example.com', 'bücher.example', 'a.com\n'] }, originPaths(0, 3)],
      [{ allowedOrigins: [`${'a'.repeat(63)}.com`] }, noIssues],
      [{ allowedOrigins: [`${'a'.repeat(64)}.com`] }, ['allowedOrigins.0']],
      [{ allowedOrigins: [hostOf(253)] }, noIssues],
      [{ allowedOrigins: [hostOf(254)] }, ['allowedOrigins.0']],
    ],
  ],
  [
    'scheduledDeletion, 30 to 1,096 days ahead',
    [
      [{ scheduledDeletion: after(30 * DAY - 0.001) }, ['scheduledDeletion']],
      [{ scheduledDeletion: after(30 * DAY) }, noIssues],
      [{ scheduledDeletion: after(1096 * DAY) }, noIssues],
      [{ scheduledDeletion: after(1096 * DAY + 0.001) }, ['scheduledDeletion']],
      [{ scheduledDeletion: new Date(Number.NaN) }, ['scheduledDeletion']],
    ],
  ],
  [
    'thumbnailTimestampPct, 0 to 1',
    [
      [{ thumbnailTimestampPct: -0.001 }, ['thumbnailTimestampPct']],
      [{ thumbnailTimestampPct: 0 }, noIssues],
      [{ thumbnailTimestampPct: 1 }, noIssues],
      [{ thumbnailTimestampPct: 1.001 }, ['thumbnailTimestampPct']],
      [{ thumbnailTimestampPct: Number.NaN }, ['thumbnailTimestampPct']],
    ],
  ],
  [
    'creator, 1 to 64 characters',
    [
      [{ creator: '' }, ['creator']],
      [{ creator: 'c' }, noIssues],
      [{ creator: 'c'.repeat(64) }, noIssues],
      [{ creator: 'c'.repeat(65) }, ['creator']],
    ],
  ],
])('%s', (_field, cases) => {
  test.each(cases)('%j', (fields, issues) => {
    expect(issuesOf(fields)).toEqual(issues)
  })
})

/** Paths of entries of allowedOrigins. */
function originPaths(from: number, to: number): string[] {
  return Array.from({ length: to - from }, (_, n) => `allowedOrigins.${from + n}`)
}

/** A host of this length. */
function hostOf(length: number): string {
  return 'abcdefghi.'.repeat(30).slice(0, length - 3) + 'com'
}

/** A meta whose JSON has this many bytes. */
function metaOf(bytes: number, letter = 'a'): JsonObject {
  const width = new TextEncoder().encode(letter).length
  return { k: letter.repeat((bytes - '{"k":""}'.length) / width) }
}

describe('meta', () => {
  test.each<[what: string, meta: JsonObject, basic: string[], tus: string[]]>([
    ['an empty object', {}, noIssues, noIssues],
    ['any JSON', { a: { b: [1, null, true, 'ü'] } }, noIssues, noIssues],
    ['4,096 bytes', metaOf(4096), noIssues, noIssues],
    ['4,097 bytes', metaOf(4097), ['meta'], ['meta']],
    ['4,096 bytes in fewer characters', metaOf(4096, 'ü'), noIssues, noIssues],
    ['4,098 bytes in 2,053 characters', metaOf(4098, 'ü'), ['meta'], ['meta']],
    ["the gateway's own key", { headgate: 'x' }, ['meta.headgate'], ['meta.headgate']],
    ['the same in capitals', { HeadGate: 'x' }, ['meta.HeadGate'], ['meta.HeadGate']],
    ['a setting of Stream', { maxDurationSeconds: 1 }, noIssues, ['meta.maxDurationSeconds']],
    ['the same in lower case', { maxdurationseconds: 1 }, noIssues, ['meta.maxdurationseconds']],
    ['an expiry', { Expiry: 'x' }, noIssues, ['meta.Expiry']],
    ['a key with a space', { 'my key': 1 }, noIssues, ['meta.my key']],
    ['a key with a comma', { 'a,b': 1 }, noIssues, ['meta.a,b']],
    ['a key beyond ASCII', { schlüssel: 1 }, noIssues, ['meta.schlüssel']],
    ['a key with a line break', { 'a\nb': 1 }, noIssues, ['meta.a\nb']],
    ['an empty key', { '': 1 }, noIssues, ['meta.']],
    ['a key of 64 characters', { ['k'.repeat(64)]: 1 }, noIssues, noIssues],
    ['a key of 65 characters', { ['k'.repeat(65)]: 1 }, noIssues, [`meta.${'k'.repeat(65)}`]],
    [
      'reserved keys in a nested object',
      { deep: { 'a,b': 1, expiry: 1, headgate: 1 } },
      noIssues,
      noIssues,
    ],
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
  ])('of a tus upload cannot set %s', (key) => {
    expect(issuesOf({ protocol: 'TUS', sizeBytes: 1, meta: { [key]: 'x' } })).toEqual([
      `meta.${key}`,
    ])
  })
})

test('returns all issues together, each with its path and a message', () => {
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
  const issues = validateRequest(request, limitsInForce(policy, null), now)
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

test('names the allowed range in the issue of expiry', () => {
  const [issue] = validateRequest(requestOf({ expiry: now }), limitsInForce(policy, null), now)
  expect(issue?.message).toContain(after(120).toISOString())
  expect(issue?.message).toContain(after(6 * 3600).toISOString())
})

test('allows the operator a lower maximum duration than Stream, not a higher one', () => {
  const short = { ...policy, maxDurationSeconds: 60 }
  expect(issuesOf({ maxDurationSeconds: 60 }, short)).toEqual(noIssues)
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
])('accepts an idempotency key of 1 to 255 characters: %j', (key, issues) => {
  expect(validateIdempotencyKey(key).map(({ path }) => path)).toEqual(
    Array.from({ length: issues }, () => ['idempotencyKey']),
  )
})
