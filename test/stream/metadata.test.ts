/** Upload-Metadata: the documented keys, the round trip, and keys that must be rejected. */
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { DirectUploadParams } from '../../src/uploads/ports/stream-api.ts'
import { writeUploadMetadata } from '../../src/stream/rest/upload-metadata.ts'
import { formatTimestamp } from '../../src/stream/json-fields.ts'
import { parseUploadMetadata } from '../../src/http/tus/upload-metadata.ts'
import { STREAM_KEYS, isMetadataKey } from '../../src/uploads/metadata-keys.ts'
import { directParams } from './stub-params.ts'

const params: DirectUploadParams = {
  ...directParams,
  meta: {},
  expiresAt: new Date('2024-02-27T07:20:50Z'),
}

/** Returns the written keys, or 'rejected' if writing throws. */
function attempt(input: DirectUploadParams): Set<string> | 'rejected' {
  try {
    return new Set(Object.keys(parsed(writeUploadMetadata(input))))
  } catch {
    return 'rejected'
  }
}

function parsed(header: string): Record<string, string | null> {
  const read = parseUploadMetadata(header)
  if (!(read instanceof Map)) throw new Error(read.problem)
  return Object.fromEntries(read)
}

describe('writing', () => {
  test("the documentation's own example", () => {
    expect(writeUploadMetadata({ ...params, requireSignedURLs: true })).toBe(
      'maxDurationSeconds NjAw,requiresignedurls,expiry MjAyNC0wMi0yN1QwNzoyMDo1MFo=',
    )
  })

  test('every field', () => {
    const header = writeUploadMetadata({
      ...params,
      requireSignedURLs: true,
      allowedOrigins: ['a.com', '*.b.com', 'localhost:3000'],
      thumbnailTimestampPct: 0.5,
      watermarkUid: 'ea95132c15732412d22c1476fa83f27a',
      scheduledDeletion: new Date('2024-06-01T00:00:00.500Z'),
      meta: { filetype: 'video/mp4', empty: '', count: 3, deep: { a: [null] }, name: 'Zoë.mp4' },
    })
    expect(header.match(/(?:^|,)[^ ,]+/g)?.join('')).toBe(
      'maxDurationSeconds,requiresignedurls,expiry,allowedorigins,thumbnailtimestamppct' +
        ',watermark,scheduleddeletion,name,filetype,empty,count,deep',
    )
    expect(parsed(header)).toEqual({
      maxDurationSeconds: '600',
      requiresignedurls: null,
      expiry: '2024-02-27T07:20:50Z',
      allowedorigins: 'a.com,*.b.com,localhost:3000',
      thumbnailtimestamppct: '0.5',
      watermark: 'ea95132c15732412d22c1476fa83f27a',
      scheduleddeletion: '2024-06-01T00:00:00Z',
      name: 'Zoë.mp4',
      filetype: 'video/mp4',
      empty: null,
      count: '3',
      deep: '{"a":[null]}',
    })
  })

  test.each([
    [0, '0'],
    [1, '1'],
    [1e-7, '0'],
    [0.000001, '0.000001'],
    [1 / 3, '0.333333'],
  ])('writes the fraction %d as %s', (thumbnailTimestampPct, expected) => {
    const header = writeUploadMetadata({ ...params, thumbnailTimestampPct })
    expect(parsed(header)['thumbnailtimestamppct']).toBe(expected)
  })

  test('a timestamp is truncated to the second, not rounded', () => {
    expect(formatTimestamp(new Date('2024-02-27T07:20:50.999Z'))).toBe('2024-02-27T07:20:50Z')
  })

  test.each(['', 'a b', 'a,b', 'a\n', '\u007f', 'ü', ' expiry', ...STREAM_KEYS])(
    'rejects the meta key %j',
    (key) => {
      for (const spelling of [key, key.toUpperCase(), key.toLowerCase()]) {
        expect(isMetadataKey(spelling)).toBe(false)
        const meta = { [spelling]: 'x' }
        expect(() => writeUploadMetadata({ ...params, meta })).toThrow(RangeError)
      }
    },
  )

  test.each(['', 'a.com,evil.com', 'a.com evil.com', 'a.com\r\nx: y'])(
    'rejects the origin %j',
    (origin) => {
      const allowedOrigins = ['b.com', origin]
      expect(() => writeUploadMetadata({ ...params, allowedOrigins })).toThrow(RangeError)
    },
  )
})

const text = fc.string({ unit: 'binary', minLength: 1, maxLength: 40 })
const key = fc.oneof(
  fc.string({ maxLength: 12 }),
  fc.string({ unit: 'binary', maxLength: 12 }),
  fc.constantFrom('name', '__proto__', 'expiry ', 'EXPIRY', 'watermark', 'a,expiry', 'a expiry'),
)

describe('the round trip', () => {
  test('reads the same values that were written', () => {
    fc.assert(
      fc.property(fc.dictionary(key.filter(isMetadataKey), text), text, (others, name) => {
        const header = writeUploadMetadata({ ...params, meta: { ...others, name } })
        expect(header).toMatch(/^[\x21-\x7e]+( [\x21-\x7e]+)*$/)
        const { maxDurationSeconds, expiry, ...meta } = parsed(header)
        expect([maxDurationSeconds, expiry]).toEqual(['600', '2024-02-27T07:20:50Z'])
        expect(new Map(Object.entries(meta))).toEqual(new Map(Object.entries({ ...others, name })))
      }),
    )
  })

  test('rejects meta with a key that would set policy', () => {
    fc.assert(
      fc.property(fc.dictionary(key, fc.oneof(text, fc.jsonValue())), (entries) => {
        const meta = Object.fromEntries(
          Object.entries(entries).map(([name, value]) => [name, JSON.stringify(value)]),
        )
        const allowed = Object.keys(meta).every(isMetadataKey)
        const keys = ['maxDurationSeconds', 'expiry', ...Object.keys(meta)]
        expect(attempt({ ...params, meta })).toEqual(allowed ? new Set(keys) : 'rejected')
      }),
    )
  })

  test('the reader never throws', () => {
    const piece = fc.constantFrom('a', 'expiry', ' ', ',', 'NjAw', '=', '+', '%', 'ÿ', '\t', '//8=')
    const header = fc.oneof(fc.string(), fc.string({ unit: piece }))
    fc.assert(
      fc.property(header, (value) => {
        const read = parseUploadMetadata(value)
        const texts = read instanceof Map ? [...read.keys()] : [read.problem]
        const expected = read instanceof Map ? /^[!-~]+$/ : /^Upload-Metadata has .*\.$/s
        for (const entry of texts) expect(entry).toMatch(expected)
      }),
    )
  })
})

describe('reading', () => {
  test.each<[string, Record<string, string | null>]>([
    ['', {}],
    [' ', {}],
    ['requiresignedurls', { requiresignedurls: null }],
    ['name ', { name: null }],
    ['name 77u/YQ==', { name: '\ufeffa' }],
    ['name eC5tcDQ=,filetype dmlkZW8vbXA0', { name: 'x.mp4', filetype: 'video/mp4' }],
    ['name eC5tcDQ, filetype dmlkZW8vbXA0', { name: 'x.mp4', filetype: 'video/mp4' }],
    ['Name YQ==,name YQ==', { Name: 'a', name: 'a' }],
    ['__proto__ YQ==', Object.fromEntries([['__proto__', 'a']])],
  ])('%j', (header, expected) => {
    expect(Object.entries(parsed(header))).toEqual(Object.entries(expected))
  })

  test.each([
    [',', 'empty'],
    ['name YQ==,', 'empty'],
    ['näme YQ==', 'not plain ASCII'],
    ['name  YQ==', 'two values for "name"'],
    ['name YQ== YQ==', 'two values for "name"'],
    ['name YQ==,name Yg==', '"name" twice'],
    ['expiry YQ==,EXPIRY Yg==', '"EXPIRY" twice'],
    ['name Y', '"name" that is not base64'],
    ['name Y_-=', '"name" that is not base64'],
    ['name =', '"name" that is not base64'],
    ['name YQ=a', '"name" that is not base64'],
    ['name //8=', '"name" that is not base64'],
    [`${'k'.repeat(99)} ?`, `"${'k'.repeat(40)}…"`],
  ])('%j is invalid', (header, message) => {
    const read = parseUploadMetadata(header)
    expect(read instanceof Map ? 'no problem' : read.problem).toContain(message)
  })
})
