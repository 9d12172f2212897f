/** Input families for all endpoints: unusual methods, types, headers and dropped subscriptions. */
import * as fc from 'fast-check'
import { gzipSync } from 'node:zlib'
import {
  type RequestInput,
  type DropInput,
  type Header,
  requestInput,
  requestBytes,
} from './input.ts'
import { oddText } from './edge-values.ts'
import { type Fixtures, authorizationOf } from './fixtures.ts'

/** HTTP methods, including those of protocols on top of HTTP. */
export const METHODS = [
  ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'TRACE', 'PROPFIND', 'QUERY'],
  ['MKCOL', 'LOCK', 'PURGE', 'SEARCH', 'M-SEARCH', 'SOURCE', 'LINK', 'REPORT', 'COPY'],
].flat()

const TYPES = [
  ['application/json', 'application/graphql', 'application/graphql+json', 'text/plain', '', ';'],
  ['application/x-www-form-urlencoded', 'multipart/form-data', 'multipart/form-data; boundary=x'],
  ['application/json; charset=utf-16', 'application/json; charset=nonsense', 'text/json', '*/*'],
  ['application/json, application/json', 'APPLICATION/JSON', ' application/json ;;;', 'a/b/c'],
  [
    'application/json; charset="utf-8',
    'application/octet-stream',
    'application/offset+octet-stream',
  ],
].flat()

/** Accept headers. `text/html` occurs once only, because the GraphiQL page is large. */
export const ACCEPTS = [
  ['text/html', 'multipart/mixed', 'text/event-stream', 'application/json; q=0', 'image/png', ''],
  ['*/*;q=NaN', 'text/htmlx;q=1e999', ',,,', 'application/graphql-response+json; charset=utf-16'],
  ['multipart/mixed; deferSpec=20220824, application/json', 'text/plain, text/event-stream'],
].flat()

const QUERY = '{"query":"{__typename}"}'
/** A mutation that must not run without a valid request. */
export const MUTATION =
  'mutation { createDirectUpload(input: { maxDurationSeconds: 1 }) { __typename } }'

const BODIES: readonly (string | Buffer | null)[] = [
  null,
  '',
  QUERY,
  JSON.stringify({ query: MUTATION }),
  `query=${encodeURIComponent(MUTATION)}`,
  MUTATION,
  `--x\r\nContent-Disposition: form-data; name="operations"\r\n\r\n${QUERY}\r\n--x\r\nContent-Disposition: form-data; name="map"\r\n\r\n{"0":["variables.__proto__.x"]}\r\n--x\r\nContent-Disposition: form-data; name="0"; filename="../../x"\r\n\r\nx\r\n--x--\r\n`,
  '--x\r\n',
  gzipSync(QUERY),
  // Decompresses to five hundred times its size.
  gzipSync(Buffer.alloc(2_000_000, '{"a":')),
]

/** Headers that some servers trust. */
const HEADERS: readonly Header[] = [
  ['Content-Encoding', 'gzip'],
  ['Content-Encoding', 'br, gzip, nonsense'],
  ['Expect', '100-continue'],
  ['Expect', 'nonsense'],
  ['Upgrade', 'h2c'],
  ['Connection', 'close, keep-alive, upgrade'],
  ['Connection', 'Authorization'],
  ['Origin', 'null'],
  ['Origin', 'https://evil.example'],
  ['Origin', 'http://['],
  ['Access-Control-Request-Method', 'POST'],
  ['Access-Control-Request-Headers', `x-${'a'.repeat(4000)}`],
  ['X-Forwarded-For', `${'1.2.3.4, '.repeat(500)}::1`],
  ['X-Forwarded-Host', 'evil.example'],
  ['X-HTTP-Method-Override', 'DELETE'],
  ['X-Original-URL', '/metrics'],
  ['Forwarded', 'for="[::1]";proto=https;host=evil'],
  ['If-None-Match', '*'],
  ['If-Modified-Since', 'yesterday'],
  ['Range', 'bytes=-1,0-,5-4'],
  ['Cookie', `a=${'b'.repeat(6000)}`],
  ['Transfer', 'chunked'],
  ['Last-Event-ID', '-1'],
  ['X-GraphQL-Event-Stream-Token', 'x'],
  ['Sec-WebSocket-Key', 'x'],
  ['Host', 'localhost:99'],
]

const ENDPOINTS = [
  '/graphql',
  '/graphql',
  '/graphql',
  '/tus',
  '/webhooks/stream',
  '/',
  '/healthz',
  '/readyz',
] as const

/** Requests with any method, content type, Accept header and other headers, at any endpoint. */
export function oddRequests(fixtures: Fixtures): fc.Arbitrary<RequestInput> {
  return fc
    .record({
      path: fc.constantFrom(...ENDPOINTS),
      method: fc.oneof(fc.constant('POST'), fc.constant('GET'), fc.constantFrom(...METHODS)),
      type: fc.option(fc.constantFrom(...TYPES)),
      accept: fc.option(fc.oneof(fc.constantFrom(...ACCEPTS), oddText)),
      extra: fc.uniqueArray(fc.constantFrom(...HEADERS), {
        maxLength: 3,
        selector: ([name]) => name,
      }),
      odd: fc.option(oddText, { freq: 2 }),
      authorization: authorizationOf(fixtures),
      body: fc.constantFrom(...BODIES),
    })
    .map(({ path, method, type, accept, extra, odd, authorization, body }) => {
      const headers: Header[] = [...extra, ...authorization]
      if (type !== null) headers.push(['Content-Type', type])
      if (accept !== null) headers.push(['Accept', accept])
      if (odd !== null) headers.push(['X-Odd', odd])
      return requestInput({ method, path, headers, body })
    })
}

/** Subscriptions over SSE whose client disconnects. */
export function droppedSubscriptions(fixtures: Fixtures): fc.Arbitrary<DropInput> {
  const document = fc.oneof(
    fc.constant('subscription { uploadsChanged { uid status } }'),
    fc
      .constantFrom(...fixtures.uids)
      .map((uid) => `subscription { uploadStatus(uid: "${uid}") { uid } }`),
    fc.constant('subscription { uploadStatus(uid: "0") { uid } }'),
    fc.constant('subscription { a: uploadsChanged { uid } b: uploadsChanged { uid } }'),
    fc.constant('subscription { uploadsChanged { uid } __typename }'),
    fc.constant('{ uploads { nodes { uid } } }'),
  )
  const accept = fc.constantFrom('text/event-stream', 'text/event-stream, */*', 'multipart/mixed')
  return fc
    .tuple(
      document,
      accept,
      authorizationOf(fixtures),
      fc.integer({ min: 0, max: 40 }),
      fc.boolean(),
    )
    .map(([query, accepted, authorization, afterMs, isGet]) => {
      const headers: readonly Header[] = [
        ['Accept', accepted],
        ['Content-Type', 'application/json'],
        ...authorization,
      ]
      const bytes = isGet
        ? requestBytes({
            method: 'GET',
            path: `/graphql?query=${encodeURIComponent(query)}`,
            headers,
          })
        : requestBytes({ path: '/graphql', headers, body: JSON.stringify({ query }) })
      return { kind: 'drop', bytes, afterMs, isRead: true }
    })
}
