/** Input family for /tus: creations with invalid or forbidden values. */
import * as fc from 'fast-check'
import { type RequestInput, type Header, requestInput } from './input.ts'
import { magnitude, oddTimestamp, oddNumber, oddText } from './edge-values.ts'
import { type Fixtures, authorizationOf } from './fixtures.ts'

const KEYS = [
  ['maxDurationSeconds', 'MAXDURATIONSECONDS', 'maxdurationseconds', 'expiry', 'Expiry'],
  ['requiresignedurls', 'allowedorigins', 'thumbnailtimestamppct', 'scheduleddeletion'],
  ['watermark', 'creator', 'Creator', 'headgate', 'HEADGATE', 'name', 'filename', 'filetype'],
  ['__proto__', 'constructor', 'toString', 'isAdmin', 'direct_user', 'downloadedFrom', 'meta'],
].flat()

const base64 = (text: string): string => Buffer.from(text, 'utf8').toString('base64')

const oddValue = fc.oneof(
  { weight: 4, arbitrary: oddText.map(base64) },
  { weight: 3, arbitrary: oddNumber.map(base64) },
  { weight: 2, arbitrary: oddTimestamp.map(base64) },
  {
    weight: 1,
    arbitrary: fc
      .uint8Array({ maxLength: 30 })
      .map((bytes) => Buffer.from(bytes).toString('base64')),
  },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      '',
      '=',
      '====',
      'a',
      'ab=',
      '*',
      'YQ== YQ==',
      'Y Q',
      '-_-_',
      'YQ=\tx',
    ),
  },
  {
    weight: 1,
    arbitrary: fc
      .constantFrom('*.example.com', 'a,b', 'localhost', 'http://x', '*', '::1', 'x'.repeat(300))
      .map(base64),
  },
  { weight: 1, arbitrary: oddText },
)

/** Values near the valid range of the key. */
function valueFor(key: string): fc.Arbitrary<string> {
  switch (key.toLowerCase()) {
    case 'maxdurationseconds':
      return fc.oneof(oddNumber, fc.integer({ min: -10, max: 40_000 }).map(String)).map(base64)
    case 'expiry':
    case 'scheduleddeletion':
      return oddTimestamp.map(base64)
    case 'thumbnailtimestamppct':
      return fc
        .oneof(oddNumber, fc.double({ min: -0.1, max: 1.1, noNaN: true }).map(String))
        .map(base64)
    default:
      return oddValue
  }
}

const metadataPair: fc.Arbitrary<string> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc
      .constantFrom(...KEYS)
      .chain((key) => valueFor(key).map((value) => `${key} ${value}`)),
  },
  {
    weight: 2,
    arbitrary: fc.tuple(fc.constantFrom(...KEYS), oddValue).map((both) => both.join(' ')),
  },
  { weight: 1, arbitrary: fc.constantFrom(...KEYS) },
  { weight: 1, arbitrary: fc.tuple(oddText, oddValue).map((both) => both.join(' ')) },
  { weight: 1, arbitrary: magnitude(8192).map((size) => `${'k'.repeat(size)} YQ==`) },
  {
    weight: 1,
    arbitrary: magnitude(12_000).map((size) => `big ${base64('v'.repeat(size * 0.7))}`),
  },
  { weight: 1, arbitrary: oddText },
)

const metadata: fc.Arbitrary<string> = fc.oneof(
  {
    weight: 12,
    arbitrary: fc
      .tuple(
        fc.array(metadataPair, { maxLength: 6 }),
        fc.constantFrom(',', ',', ',', ', ', ',,', ' , ', ';'),
      )
      .map(([pairs, comma]) => pairs.join(comma)),
  },
  {
    weight: 1,
    arbitrary: magnitude(2000).map((size) =>
      Array.from({ length: size }, (_, index) => `k${index}`).join(','),
    ),
  },
  { weight: 1, arbitrary: magnitude(16_000).map((size) => ','.repeat(size)) },
)

const length: fc.Arbitrary<string> = fc.oneof(
  { weight: 6, arbitrary: fc.integer({ min: 1, max: 2_000_000_000 }).map(String) },
  { weight: 4, arbitrary: oddNumber },
)

const EXTRA_HEADERS: readonly Header[] = [
  ['Upload-Defer-Length', '1'],
  ['Upload-Concat', 'partial'],
  ['Upload-Concat', 'final;/tus/a /tus/b'],
  ['Upload-Offset', '-1'],
  ['Upload-Checksum', 'sha1 x'],
  ['Upload-Creator', 'root'],
  ['Upload-Length', '1'],
  ['Upload-Metadata', 'maxDurationSeconds OTk5OTk5'],
  ['X-HTTP-Method-Override', 'PATCH'],
  ['Content-Type', 'application/offset+octet-stream'],
  ['Origin', 'https://evil.example'],
  ['Tus-Resumable', '1.0.0'],
]

/** Creations, and other requests of tus clients. */
export function tusCreations(fixtures: Fixtures): fc.Arbitrary<RequestInput> {
  return fc
    .record({
      method: fc.oneof(
        { weight: 12, arbitrary: fc.constant('POST') },
        { weight: 1, arbitrary: fc.constantFrom('PATCH', 'HEAD', 'DELETE', 'OPTIONS', 'GET') },
      ),
      version: fc.oneof(
        { weight: 12, arbitrary: fc.constant('1.0.0') },
        { weight: 1, arbitrary: fc.constantFrom('', '0.2.2', '1.0.0, 1.0.0', '2.0.0', '1.0.0\0') },
      ),
      uploadLength: fc.option(length, { freq: 20 }),
      uploadMetadata: fc.option(metadata, { freq: 10 }),
      idempotencyKey: fc.option(
        fc.oneof(
          oddText,
          magnitude(600).map((size) => 'k'.repeat(size)),
        ),
        { freq: 3 },
      ),
      extraHeaders: fc.array(fc.constantFrom(...EXTRA_HEADERS), { maxLength: 2 }),
      isBare: fc.integer({ min: 0, max: 3 }).map((value) => value > 0),
      authorization: authorizationOf(fixtures),
      body: fc
        .option(fc.constantFrom('', 'x', 'x'.repeat(9000)), { freq: 20, nil: null })
        .map((text) => (text === null ? null : text)),
      hasBody: fc.integer({ min: 0, max: 9 }).map((value) => value === 0),
    })
    .map((request) => {
      const headers: Header[] = [['Tus-Resumable', request.version], ...request.authorization]
      if (request.uploadLength !== null) headers.push(['Upload-Length', request.uploadLength])
      if (request.uploadMetadata !== null) headers.push(['Upload-Metadata', request.uploadMetadata])
      if (request.idempotencyKey !== null) headers.push(['Idempotency-Key', request.idempotencyKey])
      if (!request.isBare) headers.push(...request.extraHeaders)
      const body = request.hasBody ? request.body : null
      return requestInput({ method: request.method, path: '/tus', headers, body })
    })
}
