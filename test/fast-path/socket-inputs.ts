/** Valid and invalid messages of `graphql-transport-ws`, with ids that are long, unusual or in use. */
import * as fc from 'fast-check'
import { deepObject, oddJSON, oddText } from '../fuzz/edge-values.ts'
import type { ClientMessage } from './socket-messages.ts'
import { WATCH, WATCH_ALL } from './subscriptions.ts'

const IDS = [
  '1',
  '2',
  '',
  '__proto__',
  'constructor',
  'toString',
  'hasOwnProperty',
  'x'.repeat(200),
  'é'.repeat(100),
  '💣'.repeat(64),
  'a\uD800',
  'x'.repeat(256),
  'x'.repeat(257),
  'y'.repeat(20_000),
] as const

/** `UID` stands for the uid of the upload. */
export const PAYLOADS = [
  JSON.stringify({ query: WATCH, variables: { uid: 'UID' } }),
  JSON.stringify({ query: WATCH, variables: { uid: 'UID', more: [[], {}], __proto__: null } }),
  JSON.stringify({ query: WATCH, variables: { uid: 'nobody' } }),
  JSON.stringify({ query: WATCH, variables: { uid: ['UID'] } }),
  JSON.stringify({ query: WATCH, variables: {} }),
  JSON.stringify({ query: WATCH, operationName: 'Watch', variables: { uid: 'UID' } }),
  JSON.stringify({ query: WATCH, operationName: 'toString', variables: { uid: 'UID' } }),
  JSON.stringify({ query: WATCH, extensions: { a: 1 }, variables: { uid: 'UID' } }),
  JSON.stringify({ query: WATCH_ALL }),
  JSON.stringify({ query: WATCH_ALL, operationName: null, variables: null }),
  JSON.stringify({ query: WATCH_ALL, variables: [] }),
  '{"query":"subscription { uploadsChanged { version } }"}',
  '{"query":"{ __typename }"}',
  '{"query":"{ nope }"}',
  '{"query":"{"}',
  '{"query":1}',
  'null',
] as const

export const id = fc.oneof({ weight: 9, arbitrary: fc.constantFrom(...IDS) }, oddText)
export const subscribe = fc
  .tuple(id, fc.constantFrom(...PAYLOADS))
  .map(
    ([name, payload]) => `{"id":${JSON.stringify(name)},"type":"subscribe","payload":${payload}}`,
  )
const typed = fc
  .tuple(id, fc.constantFrom('complete', 'complete', 'complete', 'next', 'error', 'subscribe'))
  .map(([name, type]) => JSON.stringify({ id: name, type }))
const control = fc.constantFrom(
  '{"type":"ping"}',
  '{"type":"pong"}',
  '{"type":"connection_init"}',
  '{"type":"connection_ack"}',
)
const noise = fc.oneof(
  oddJSON,
  oddText,
  oddJSON.map((json) => `{"id":${json},"type":"subscribe","payload":{"query":"{ __typename }"}}`),
  oddJSON.map((json) => `{"id":"1","type":"subscribe","payload":${json}}`),
  oddJSON.map((json) => `{"id":"1","type":${json}}`),
  fc.constant(deepObject(20_000)),
)
export const message: fc.Arbitrary<ClientMessage> = fc.oneof(
  { weight: 30, arbitrary: subscribe },
  { weight: 12, arbitrary: typed },
  { weight: 3, arbitrary: control },
  { weight: 1, arbitrary: noise },
  { weight: 2, arbitrary: subscribe.map((text) => Buffer.from(text)) },
  { weight: 2, arbitrary: subscribe.map((text) => [text.slice(0, 20), '', text.slice(20)]) },
  { weight: 1, arbitrary: fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes)) },
)

/** Replaces `UID` in the message. */
export function withUID(data: ClientMessage, uid: string): ClientMessage {
  if (typeof data === 'string') return data.replaceAll('UID', uid)
  if (Buffer.isBuffer(data))
    return Buffer.from(data.toString('latin1').replaceAll('UID', uid), 'latin1')
  return data.map((part) => part.replaceAll('UID', uid))
}
