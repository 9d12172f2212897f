/** Families that speak to /graphql as it wants to be spoken to, about what it does not want. */
import * as fc from 'fast-check'
import { bombs } from './document-bombs.ts'
import { type AskInput, type Header, ask } from './input.ts'
import { broken, deepList, deepObject, magnitude, oddJSON, oddText } from './edge-values.ts'
import { type DocumentOptions, documents } from './schema-documents.ts'
import { type Scene, authorizationOf } from './fixtures.ts'

const JSON_TYPE: Header = ['Content-Type', 'application/json']
const ACCEPTS = ['application/json', 'application/graphql-response+json', '*/*'] as const

const SPICE = [
  ['{', '}', '(', ')', '[', ']', '"', '"""', '#', '$', '@', '...', ':', '=', '!', '|', '&', ','],
  ['\0', '\uFEFF', '\\', '\\u', '\uD800', '💣', '\n', '\r', 'fragment', 'on', 'query', 'null'],
  ['__proto__', '__typename', '@skip(if: true)', '...on', '-', '0', '1e', '$a', '{__schema{'],
].flat()

/** A request that has everything right but what it says. */
function post(scene: Scene, body: fc.Arbitrary<string | Buffer>): fc.Arbitrary<AskInput> {
  return fc
    .tuple(body, authorizationOf(scene), fc.constantFrom(...ACCEPTS))
    .map(([text, authorization, accept]) =>
      ask({
        path: '/graphql',
        headers: [JSON_TYPE, ['Accept', accept], ...authorization],
        body: text,
      }),
    )
}

const asQuery = (text: string): string => JSON.stringify({ query: text })

/** What the schema allows, with values that it does. */
export function allowedDocuments(scene: Scene): fc.Arbitrary<AskInput> {
  return post(scene, documents({ ...scene, wrongness: 0 }).map(asQuery))
}

/** Values of the wrong type, in every place. */
export function wronglyTypedDocuments(scene: Scene): fc.Arbitrary<AskInput> {
  return post(scene, documents({ ...scene, wrongness: 25 }).map(asQuery))
}

/** Documents that were damaged on their way. */
export function brokenDocuments(scene: Scene): fc.Arbitrary<AskInput> {
  const options: DocumentOptions = { ...scene, wrongness: 5 }
  return post(scene, broken(documents(options), SPICE).map(asQuery))
}

/** Documents that cost more to read than to write. */
export function documentBombs(scene: Scene): fc.Arbitrary<AskInput> {
  return post(scene, bombs.map(asQuery))
}

const VARIABLE_DOCUMENTS = [
  'mutation ($v: CreateDirectUploadInput!) { createDirectUpload(input: $v) { __typename ... on Error { message } } }',
  'mutation ($v: CreateTusUploadInput!) { createTusUpload(input: $v) { __typename ... on Error { message } } }',
  'mutation ($v: JSONObject) { createDirectUpload(input: { maxDurationSeconds: 1, meta: $v }) { __typename ... on InvalidInputError { issues { path message } } } }',
  'mutation ($v: ID!) { deleteUpload(uid: $v) { __typename ... on Error { message } } }',
  'query ($v: ID!) { upload(uid: $v) { uid } }',
  'query ($v: ID!) { node(id: $v) { id } }',
  'query ($v: [ID!]!) { nodes(ids: $v) { id } }',
  'query ($v: UploadFilter) { uploads(filter: $v) { totalCount } }',
  'query ($v: Int) { uploads(first: $v) { nodes { uid } } }',
  'query ($v: Int) { uploads(last: $v) { nodes { uid } } }',
  'query ($v: String) { uploads(after: $v) { nodes { uid } } }',
  'query ($v: String) { uploads(before: $v, last: 1) { nodes { uid } } }',
  'query ($v: ByteCount!) { recommendedProtocol(sizeBytes: $v) { reason } }',
  'query ($v: Boolean!) { __typename @include(if: $v) }',
] as const

const INPUT_FIELDS = [
  ['maxDurationSeconds', 'sizeBytes', 'expiry', 'name', 'meta', 'allowedOrigins', 'creator'],
  ['requireSignedURLs', 'scheduledDeletion', 'thumbnailTimestampPct', 'idempotencyKey'],
  ['createdAfter', 'createdBefore', 'status', 'protocol', '__proto__', 'constructor', 'x'],
].flat()

const oddObject = fc
  .array(
    fc.tuple(
      fc.oneof({ weight: 5, arbitrary: fc.constantFrom(...INPUT_FIELDS) }, oddText),
      oddJSON,
    ),
    {
      maxLength: 5,
    },
  )
  .map((pairs) => `{${pairs.map(([key, value]) => `${JSON.stringify(key)}:${value}`).join(',')}}`)

/** An input that is good but for some of its fields. */
const nearlyGood = fc
  .array(fc.tuple(fc.constantFrom(...INPUT_FIELDS.slice(0, 11)), oddJSON), { maxLength: 2 })
  .map((pairs) => {
    const odd = pairs.map(([key, value]) => `,${JSON.stringify(key)}:${value}`).join('')
    return `{"maxDurationSeconds":60,"sizeBytes":1000${odd}}`
  })

const variableValue = fc.oneof(
  { weight: 4, arbitrary: oddJSON },
  { weight: 3, arbitrary: oddObject },
  { weight: 3, arbitrary: nearlyGood },
  { weight: 1, arbitrary: magnitude(30_000).map((size) => JSON.stringify('x'.repeat(size))) },
  { weight: 1, arbitrary: magnitude(5000).map((size) => JSON.stringify(Array(size).fill('x'))) },
)

/** Good documents whose variables hold anything at all. */
export function oddVariables(scene: Scene): fc.Arbitrary<AskInput> {
  const body = fc
    .tuple(fc.constantFrom(...VARIABLE_DOCUMENTS), variableValue)
    .map(([document, value]) => `{"query":${JSON.stringify(document)},"variables":{"v":${value}}}`)
  return post(scene, body)
}

const oddKeys = fc.constantFrom(
  ...[
    ['query', 'variables', 'operationName', 'extensions', '__proto__', 'constructor', 'id', 'x'],
  ].flat(),
)
const persisted = '{"persistedQuery":{"version":1,"sha256Hash":"ecf4edb46db40b5132295c0291d62fb6"}}'

/** What may stand where a request should. */
const oddBody: fc.Arbitrary<string | Buffer> = fc.oneof(
  // A request with any value under any key, some of them twice.
  fc
    .array(fc.tuple(oddKeys, oddJSON), { maxLength: 6 })
    .map((pairs) => `{${pairs.map(([key, value]) => `"${key}":${value}`).join(',')}}`),
  fc
    .tuple(fc.constantFrom(...oddNames()), oddJSON)
    .map(([key, value]) => `{"query":"query a{__typename} query b{__typename}","${key}":${value}}`),
  fc.constant(`{"extensions":${persisted}}`),
  fc.constant(`{"query":"{__typename}","extensions":${persisted}}`),
  // Batches.
  magnitude(2000).map((size) => `[${Array(size).fill('{"query":"{__typename}"}').join(',')}]`),
  oddJSON,
  oddText,
  broken(fc.constant('{"query":"query ($a: Int) {__typename}","variables":{"a":1}}'), SPICE),
  fc.uint8Array({ maxLength: 64 }).map((bytes) => Buffer.from(bytes)),
  fc.constant(Buffer.from('\uFEFF{"query":"{__typename}"}')),
  fc.constant(Buffer.from('\uFEFF{"query":"{__typename}"}', 'utf16le')),
  fc.constant(Buffer.from('{"query":"{__typename}","x":"\xFF\xC0\x80\xED\xA0\x80"}', 'latin1')),
  fc.constantFrom('{"query":"{__typename}"}{}', '{"query":"{__typename}",}', "{'query':1}", '\0'),
)

function oddNames(): readonly ['operationName', 'variables', 'extensions', 'query'] {
  return ['operationName', 'variables', 'extensions', 'query']
}

/** Too large, or deeper than any stack. */
const hugeBody: fc.Arbitrary<string> = fc.oneof(
  fc
    .integer({ min: 250_000, max: 400_000 })
    .map((size) => `{"query":"{${'a '.repeat(size / 2)}}"}`),
  fc
    .integer({ min: 50_000, max: 130_000 })
    .map((depth) => `{"query":"{__typename}","variables":{"a":${deepList(depth)}}}`),
  fc
    .integer({ min: 20_000, max: 60_000 })
    .map((depth) => `{"query":"{__typename}","extensions":${deepObject(depth)}}`),
)

/** Bodies that are no request of GraphQL, or not only. */
export function oddBodies(scene: Scene): fc.Arbitrary<AskInput> {
  return post(
    scene,
    fc.oneof({ weight: 80, arbitrary: oddBody }, { weight: 1, arbitrary: hugeBody }),
  )
}
