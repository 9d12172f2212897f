/** Families that speak to /tus as a client that wants more than it may have. */
import * as fc from 'fast-check'
import { type AskInput, type Header, ask } from './input.ts'
import { magnitude, oddTimestamp, oddNumber, oddText } from './edge-values.ts'
import { type Scene, authorizationOf } from './fixtures.ts'

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

/** What suits the key, or nearly. */
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

const pair: fc.Arbitrary<string> = fc.oneof(
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
        fc.array(pair, { maxLength: 6 }),
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

const MORE: readonly Header[] = [
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

/** Creations, and what else a tus client may try here. */
export function tusCreations(scene: Scene): fc.Arbitrary<AskInput> {
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
      more: fc.array(fc.constantFrom(...MORE), { maxLength: 2 }),
      isBare: fc.integer({ min: 0, max: 3 }).map((one) => one > 0),
      authorization: authorizationOf(scene),
      body: fc
        .option(fc.constantFrom('', 'x', 'x'.repeat(9000)), { freq: 20, nil: null })
        .map((text) => (text === null ? null : text)),
      hasBody: fc.integer({ min: 0, max: 9 }).map((one) => one === 0),
    })
    .map((dependencies) => {
      const headers: Header[] = [
        ['Tus-Resumable', dependencies.version],
        ...dependencies.authorization,
      ]
      if (dependencies.uploadLength !== null)
        headers.push(['Upload-Length', dependencies.uploadLength])
      if (dependencies.uploadMetadata !== null)
        headers.push(['Upload-Metadata', dependencies.uploadMetadata])
      if (dependencies.idempotencyKey !== null)
        headers.push(['Idempotency-Key', dependencies.idempotencyKey])
      if (!dependencies.isBare) headers.push(...dependencies.more)
      const body = dependencies.hasBody ? dependencies.body : null
      return ask({ method: dependencies.method, path: '/tus', headers, body })
    })
}
