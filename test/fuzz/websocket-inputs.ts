/** Input families of WebSocket messages: protocol violations and fast-path subscriptions. */
import * as fc from 'fast-check'
import type { SocketInput } from './input.ts'
import { deepObject, magnitude, oddJSON, oddText } from './edge-values.ts'
import type { Fixtures } from './fixtures.ts'

const PROTOCOLS: readonly (readonly string[])[] = [
  ['graphql-transport-ws'],
  ['graphql-transport-ws'],
  ['graphql-transport-ws'],
  ['graphql-transport-ws'],
  ['nonsense', 'graphql-transport-ws'],
  ['graphql-ws'],
  [],
]

const QUERIES = [
  '{ __typename }',
  'subscription { uploadsChanged { uid } }',
  'subscription { uploadStatus(uid: "0") { uid } }',
  'mutation { createDirectUpload(input: { maxDurationSeconds: 1 }) { __typename } }',
  '{ nope }',
  '{ nope',
  '',
  '{a'.repeat(5000),
  `{${'__typename '.repeat(2000)}}`,
] as const

const IDS = [
  '1',
  '1',
  '2',
  '',
  '__proto__',
  'constructor',
  'toString',
  'x'.repeat(200),
  'é'.repeat(100),
  '💣'.repeat(64),
  'a\uD800',
  'x'.repeat(300),
  'y'.repeat(30_000),
] as const
/** Documents that the fast path has compiled, because they are sent often. */
const COMPILED = [
  'subscription { uploadsChanged { uid } }',
  'subscription ($uid: ID!) { uploadStatus(uid: $uid) { uid status } }',
] as const

/** Messages of all kinds in any order; a string is a text frame, a Buffer a binary frame. */
export function socketMessages(fixtures: Fixtures): fc.Arbitrary<SocketInput> {
  const init = fc.oneof(
    { weight: 6, arbitrary: fc.constantFrom(...fixtures.validAuthorizations).map(connectWith) },
    { weight: 1, arbitrary: fc.constantFrom(...fixtures.invalidAuthorizations).map(connectWith) },
    { weight: 1, arbitrary: oddJSON.map((json) => `{"type":"connection_init","payload":${json}}`) },
    {
      weight: 1,
      arbitrary: oddJSON.map(
        (json) => `{"type":"connection_init","payload":{"authorization":${json}}}`,
      ),
    },
  )
  const query = fc.oneof(
    fc.constantFrom(...QUERIES),
    fc
      .constantFrom(...fixtures.uids)
      .map((uid) => `subscription { uploadStatus(uid: "${uid}") { uid } }`),
  )
  const id = fc.oneof(fc.constantFrom(...IDS), oddText)
  const subscribe = fc
    .tuple(id, query)
    .map(([name, text]) =>
      JSON.stringify({ id: name, type: 'subscribe', payload: { query: text } }),
    )
  const oddSubscribe = fc
    .tuple(oddJSON, oddJSON, oddJSON)
    .map(
      ([name, text, variables]) =>
        `{"id":${name},"type":"subscribe","payload":{"query":${text},"variables":${variables}}}`,
    )
  const control = fc.oneof(
    id.map((name) => JSON.stringify({ id: name, type: 'complete' })),
    fc.constantFrom('{"type":"ping"}', '{"type":"pong"}', '{"type":"connection_ack"}'),
    oddJSON.map((json) => `{"type":"ping","payload":${json}}`),
    oddJSON.map((json) => `{"type":${json}}`),
    oddJSON.map((json) => `{"id":"1","type":"next","payload":${json}}`),
  )
  const noise: fc.Arbitrary<string | Buffer> = fc.oneof(
    oddJSON,
    oddText,
    fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes)),
    magnitude(20_000).map(deepObject),
  )
  const huge = fc
    .integer({ min: 200_000, max: 300_000 })
    .map((size) => `{"type":"ping","payload":{"a":"${'x'.repeat(size)}"}}`)
  const message = fc.oneof(
    { weight: 30, arbitrary: subscribe },
    { weight: 30, arbitrary: control },
    { weight: 15, arbitrary: oddSubscribe },
    { weight: 15, arbitrary: noise },
    { weight: 10, arbitrary: init },
    { weight: 1, arbitrary: huge },
  )
  return fc
    .record({
      protocols: fc.constantFrom(...PROTOCOLS),
      origin: fc.option(fc.constantFrom('https://evil.example', 'null', '', 'http://['), {
        freq: 9,
      }),
      first: fc.option(init, { freq: 5 }),
      messages: fc.array(message, { maxLength: 8 }),
      waitsForReply: fc.boolean(),
      isClosed: fc.boolean(),
    })
    .map(({ protocols, origin, first, messages, waitsForReply, isClosed }) => ({
      kind: 'socket',
      protocols,
      origin,
      messages: first === null ? messages : [first, ...messages],
      waitsForReply,
      isClosed,
    }))
}

/** Subscriptions on the fast path in any order, with few ids, some of them long or unusual. */
export function fastPathMessages(fixtures: Fixtures): fc.Arbitrary<SocketInput> {
  // Without the empty id, which is invalid and would close the socket.
  const id = fc.constantFrom(...IDS).filter((name) => name !== '')
  const variables = fc.oneof(
    { weight: 6, arbitrary: fc.constantFrom(...fixtures.uids).map((uid) => `{"uid":"${uid}"}`) },
    { weight: 2, arbitrary: oddJSON.map((json) => `{"uid":${json}}`) },
    {
      weight: 2,
      arbitrary: oddJSON.map((json) => `{"uid":"${fixtures.uids[0]}","undeclared":${json}}`),
    },
  )
  const message = fc.oneof(
    {
      weight: 6,
      arbitrary: fc
        .tuple(id, fc.constantFrom(...COMPILED), variables)
        .map(
          ([name, query, values]) =>
            `{"id":${JSON.stringify(name)},"type":"subscribe","payload":{"query":${JSON.stringify(query)},"variables":${values}}}`,
        ),
    },
    { weight: 3, arbitrary: id.map((name) => JSON.stringify({ id: name, type: 'complete' })) },
    { weight: 1, arbitrary: fc.constantFrom('{"type":"ping"}', '{"type":"pong"}') },
  )
  return fc
    .record({
      init: fc.constantFrom(...fixtures.validAuthorizations).map(connectWith),
      messages: fc.array(message, { minLength: 2, maxLength: 12 }),
      isClosed: fc.boolean(),
    })
    .map(({ init, messages, isClosed }) => ({
      kind: 'socket',
      protocols: ['graphql-transport-ws'],
      origin: null,
      messages: [init, ...messages],
      waitsForReply: true,
      isClosed,
    }))
}

function connectWith(authorization: string): string {
  return JSON.stringify({ type: 'connection_init', payload: { authorization } })
}
