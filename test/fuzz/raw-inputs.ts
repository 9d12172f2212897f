/** Input families of raw bytes: invalid requests, pipelined requests and incomplete requests. */
import * as fc from 'fast-check'
import { type DropInput, type RawInput, requestBytes } from './input.ts'
import { magnitude, oddText } from './edge-values.ts'
import { type Fixtures, authorizationOf } from './fixtures.ts'

const HOST = 'Host: gateway.test\r\n'
const TYPE = 'Content-Type: application/json\r\n'
const GET = `GET /healthz HTTP/1.1\r\n${HOST}\r\n`
const post = (headers: string, rest: string): string =>
  `POST /graphql HTTP/1.1\r\n${HOST}${TYPE}${headers}\r\n${rest}`

/** Malformed requests; some depend on `size`. */
const SHAPES: readonly ((size: number) => string)[] = [
  // Request smuggling: two lengths, so that a proxy and the gateway may see different requests.
  () =>
    post(
      'Content-Length: 6\r\nTransfer-Encoding: chunked\r\n',
      '0\r\n\r\nGET /evil HTTP/1.1\r\n\r\n',
    ),
  () => post('Transfer-Encoding: chunked\r\nContent-Length: 3\r\n', '8\r\nSMUGGLED\r\n0\r\n\r\n'),
  () => post('Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n', '0\r\n\r\n'),
  () => post('Transfer-Encoding: xchunked\r\n', `0\r\n\r\n${GET}`),
  () => post('Transfer-Encoding : chunked\r\n', '0\r\n\r\n'),
  () => post('Transfer-Encoding:\tchunked\r\n', '0\r\n\r\n'),
  () => post(' Transfer-Encoding: chunked\r\n', '0\r\n\r\n'),
  () => post('Content-Length: 2\r\nContent-Length: 3\r\n', '{}x'),
  () => post('Content-Length: 2, 2\r\n', '{}'),
  () => post('Content-Length: +2\r\n', '{}'),
  () => post('Content-Length: -1\r\n', '{}'),
  () => post('Content-Length: 0x2\r\n', '{}'),
  () => post('Content-Length: 99999999999999999999\r\n', '{}'),
  (size) => post(`Content-Length: ${size}\r\n`, '{}'),
  // Chunks.
  (size) => post('Transfer-Encoding: chunked\r\n', `${'1\r\n{\r\n'.repeat(size)}0\r\n\r\n`),
  () => post('Transfer-Encoding: chunked\r\n', 'FFFFFFFFFFFFFFFFF\r\n{}\r\n0\r\n\r\n'),
  () => post('Transfer-Encoding: chunked\r\n', '-1\r\n{}\r\n0\r\n\r\n'),
  () => post('Transfer-Encoding: chunked\r\n', 'zz\r\n'),
  (size) => post('Transfer-Encoding: chunked\r\n', `2;${'x'.repeat(size)}\r\n{}\r\n0\r\n\r\n`),
  (size) => post('Transfer-Encoding: chunked\r\n', `0\r\n${'X-Trailer: 1\r\n'.repeat(size)}\r\n`),
  () => post('Transfer-Encoding: chunked\r\n', '2\n{}\n0\n\n'),
  () => post('Transfer-Encoding: chunked\r\n', '2\r\n{}'),
  // Headers.
  (size) => `GET / HTTP/1.1\r\n${HOST}${'X-Flood: 1\r\n'.repeat(size)}\r\n`,
  (size) => `GET / HTTP/1.1\r\n${HOST}X-Long: ${'a'.repeat(size * 10)}\r\n\r\n`,
  (size) => `GET / HTTP/1.1\r\n${HOST}${'x'.repeat(size * 10)}: 1\r\n\r\n`,
  (size) => `GET /${'a'.repeat(size * 10)} HTTP/1.1\r\n${HOST}\r\n`,
  (size) => `${'A'.repeat(size)} / HTTP/1.1\r\n${HOST}\r\n`,
  () => `GET / HTTP/1.1\r\n${HOST}X: 1\r\n folded\r\n\r\n`,
  () => `GET / HTTP/1.1\r\n${HOST}NoColon\r\n\r\n`,
  () => `GET / HTTP/1.1\r\n${HOST}: empty\r\n\r\n`,
  () => `GET / HTTP/1.1\r\n${HOST}X\0Y: 1\r\n\r\n`,
  () => `GET / HTTP/1.1\r\n${HOST}X: a\0b\r\n\r\n`,
  () => `GET / HTTP/1.1\r\n${HOST}X: a\rb\r\n\r\n`,
  () => `GET / HTTP/1.1\n${HOST}\n`,
  () => 'GET / HTTP/1.1\r\n\r\n',
  () => `GET / HTTP/1.1\r\n${HOST}${HOST}\r\n`,
  // Hosts and request targets.
  ...[
    '[',
    'a b',
    'x:99999',
    '',
    '..',
    '%00',
    'evil@good',
    'a/b',
    '[::1',
    'x'.repeat(5000),
    '\xFF',
  ].map((host) => () => `GET /graphql HTTP/1.1\r\nHost: ${host}\r\n\r\n`),
  ...[
    '*',
    'http://evil.example/graphql',
    'http://[/',
    'evil:80',
    '',
    '\0',
    '/\0',
    '/ /',
    '/\xFF',
    'ftp://x',
    '//',
    '///',
    '/#',
    '?',
  ].map((target) => () => `GET ${target} HTTP/1.1\r\n${HOST}\r\n`),
  ...['*', 'gateway.test:443', '/graphql'].map(
    (target) => () => `CONNECT ${target} HTTP/1.1\r\n${HOST}\r\nx`,
  ),
  () => `OPTIONS * HTTP/1.1\r\n${HOST}\r\n`,
  // Other HTTP versions, and none.
  ...[
    'HTTP/0.9',
    'HTTP/1.0',
    'HTTP/1.2',
    'HTTP/2.0',
    'HTTP/9.9',
    'HTTP/1.1 ',
    'http/1.1',
    'HTTPS/1.1',
    'RTSP/1.0',
    '',
  ].map((version) => () => `GET / ${version}\r\n${HOST}\r\n`),
  () => 'GET /\r\n',
  () => 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
  () => '\x16\x03\x01\x02\x00\x01\x00\x01\xFC\x03\x03',
  // Pipelined requests.
  (size) => GET.repeat(Math.min(size, 200)),
  () => `${GET}garbage\r\n\r\n${GET}`,
  () => `${GET}\r\n\r\n\r\n${GET}`,
  (size) => '\r\n'.repeat(size),
  // Upgrades.
  ...['/graphql', '/', '//', '*', '/graphql%', 'http://[', '/graphql?x'].map(
    (target) => () =>
      `GET ${target} HTTP/1.1\r\n${HOST}Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: graphql-transport-ws\r\n\r\n\xFF\xFF\xFF\xFF\xFF\xFF`,
  ),
  () =>
    `GET /graphql HTTP/1.1\r\n${HOST}Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 99\r\nSec-WebSocket-Key: x\r\n\r\n`,
  () =>
    `POST /graphql HTTP/1.1\r\n${HOST}Connection: Upgrade\r\nUpgrade: websocket\r\nContent-Length: 5\r\n\r\nhello`,
  () =>
    `GET /graphql HTTP/1.1\r\n${HOST}Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQ\r\n\r\n`,
]

const malformedRequests = fc
  .tuple(fc.constantFrom(...SHAPES), magnitude(4000))
  .map(([shape, size]) => Buffer.from(shape(size), 'latin1'))

/** Requests with random header sections. */
const randomRequests = fc
  .tuple(
    fc.oneof(fc.constantFrom('GET', 'POST', 'get', 'G\0T', ''), oddText),
    fc.oneof(fc.constantFrom('/graphql', '/tus', '/', '*'), oddText),
    fc.constantFrom('HTTP/1.1', 'HTTP/1.0', 'HTTP/3', ''),
    fc.array(fc.tuple(oddText, oddText), { maxLength: 4 }),
    fc.uint8Array({ maxLength: 30 }),
  )
  .map(([method, path, version, headers, rest]) => {
    const lines = headers.map(([name, value]) => `${name}: ${value}\r\n`).join('')
    return Buffer.concat([Buffer.from(`${method} ${path} ${version}\r\n${HOST}${lines}\r\n`), rest])
  })

const randomBytes = fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes))

/** Malformed requests on a connection that stays open until the gateway sends nothing more. */
export function malformedBytes(): fc.Arbitrary<RawInput> {
  return fc
    .oneof(
      { weight: 6, arbitrary: malformedRequests },
      { weight: 3, arbitrary: randomRequests },
      { weight: 1, arbitrary: randomBytes },
    )
    .map((bytes) => ({ kind: 'raw', bytes, isCut: false }))
}

/** Valid and malformed requests, cut at any byte by a client that disconnects. */
export function cutRequests(fixtures: Fixtures): fc.Arbitrary<RawInput> {
  const good = fc
    .tuple(
      authorizationOf(fixtures),
      fc.constantFrom(
        '{"query":"{ uploads(first: 100) { nodes { uid history { at } } } }"}',
        '{"query":"mutation { createDirectUpload(input: { maxDurationSeconds: 1 }) { __typename } }"}',
      ),
    )
    .map(([authorization, body]) =>
      requestBytes({
        path: '/graphql',
        headers: [['Content-Type', 'application/json'], ...authorization],
        body,
      }),
    )
  const creation = authorizationOf(fixtures).map((authorization) =>
    requestBytes({
      path: '/tus',
      headers: [['Tus-Resumable', '1.0.0'], ['Upload-Length', '1000'], ...authorization],
    }),
  )
  return fc
    .tuple(
      fc.oneof(
        { weight: 3, arbitrary: good },
        { weight: 2, arbitrary: creation },
        malformedRequests,
      ),
      fc.double({ min: 0, max: 1.3, noNaN: true }),
    )
    .map(([bytes, share]) => ({
      kind: 'raw',
      bytes: bytes.subarray(0, Math.min(bytes.length, Math.ceil(bytes.length * share))),
      isCut: true,
    }))
}

/** Complete requests of all kinds, with or without a token. */
function wholeRequests(fixtures: Fixtures): fc.Arbitrary<Buffer> {
  const query = fc.constantFrom(
    '{"query":"{ uploads(first: 100) { nodes { uid history { at } } } }"}',
    '{"query":"subscription { uploadsChanged { uid } }"}',
    '{"query":"{ __schema { types { name description fields { name } } } }"}',
    '{}',
  )
  const posts = fc
    .tuple(authorizationOf(fixtures), query, fc.constantFrom('text/event-stream', '*/*'))
    .map(([authorization, body, accept]) =>
      requestBytes({
        path: '/graphql',
        headers: [['Content-Type', 'application/json'], ['Accept', accept], ...authorization],
        body,
      }),
    )
  const gets = fc
    .constantFrom('/', '/graphql', '/healthz', '/readyz', '/metrics', '/nowhere')
    .map((path) => requestBytes({ method: 'GET', path, headers: [['Accept', 'text/html']] }))
  const offers = query.map((body) =>
    requestBytes({
      path: '/graphql',
      headers: [
        ['Content-Type', 'application/json'],
        ['Connection', 'Upgrade'],
        ['Upgrade', 'h2c'],
      ],
      body,
    }),
  )
  return fc.oneof(
    { weight: 5, arbitrary: posts },
    { weight: 3, arbitrary: gets },
    { weight: 1, arbitrary: offers },
  )
}

/** Up to thousands of pipelined requests on a connection that the client then drops. */
export function pipelinedRequests(fixtures: Fixtures): fc.Arbitrary<DropInput> {
  return fc
    .tuple(
      fc.array(wholeRequests(fixtures), { minLength: 1, maxLength: 20 }),
      magnitude(200),
      fc.integer({ min: 0, max: 60 }),
      fc.boolean(),
    )
    .map(([requests, times, afterMs, isRead]) => ({
      kind: 'drop',
      bytes: Buffer.concat(Array.from({ length: times }, () => requests).flat()),
      afterMs,
      isRead,
    }))
}

/** One request whose response the client does not read. */
export function unreadRequests(fixtures: Fixtures): fc.Arbitrary<DropInput> {
  return fc
    .tuple(wholeRequests(fixtures), fc.integer({ min: 20, max: 200 }))
    .map(([bytes, afterMs]) => ({ kind: 'drop', bytes, afterMs, isRead: false }))
}
