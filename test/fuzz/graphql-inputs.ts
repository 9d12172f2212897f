/** Input families for /graphql: valid HTTP requests with hostile documents, variables and bodies. */
import * as fc from 'fast-check'
import { bombs } from './document-bombs.ts'
import { type RequestInput, type Header, requestInput } from './input.ts'
import { broken, deepList, deepObject, magnitude, oddJSON, oddText } from './edge-values.ts'
import { type DocumentOptions, documents } from './schema-documents.ts'
import { type Fixtures, authorizationOf } from './fixtures.ts'

const JSON_TYPE: Header = ['Content-Type', 'application/json']
const ACCEPTS = ['application/json', 'application/graphql-response+json', '*/*'] as const

const INSERTIONS = [
  ['{', '}', '(', ')', '[', ']', '"', '"""', '#', '$', '@', '...', ':', '=', '!', '|', '&', ','],
  ['\0', '\uFEFF', '\\', '\\u', '\uD800', '💣', '\n', '\r', 'fragment', 'on', 'query', 'null'],
  ['__proto__', '__typename', '@skip(if: true)', '...on', '-', '0', '1e', '$a', '{__schema{'],
].flat()

/** A valid POST request with this body. */
function post(fixtures: Fixtures, body: fc.Arbitrary<string | Buffer>): fc.Arbitrary<RequestInput> {
  return fc
    .tuple(body, authorizationOf(fixtures), fc.constantFrom(...ACCEPTS))
    .map(([text, authorization, accept]) =>
      requestInput({
        path: '/graphql',
        headers: [JSON_TYPE, ['Accept', accept], ...authorization],
        body: text,
      }),
    )
}

const asQuery = (text: string): string => JSON.stringify({ query: text })

/** Valid documents with valid values. */
export function allowedDocuments(fixtures: Fixtures): fc.Arbitrary<RequestInput> {
  return post(fixtures, documents({ ...fixtures, wrongTypePercent: 0 }).map(asQuery))
}

/** Documents with values of the wrong type. */
export function wronglyTypedDocuments(fixtures: Fixtures): fc.Arbitrary<RequestInput> {
  return post(fixtures, documents({ ...fixtures, wrongTypePercent: 25 }).map(asQuery))
}

/** Documents with damaged text. */
export function brokenDocuments(fixtures: Fixtures): fc.Arbitrary<RequestInput> {
  const options: DocumentOptions = { ...fixtures, wrongTypePercent: 5 }
  return post(fixtures, broken(documents(options), INSERTIONS).map(asQuery))
}

/** Documents that are expensive to parse or validate. */
export function documentBombs(fixtures: Fixtures): fc.Arbitrary<RequestInput> {
  return post(fixtures, bombs.map(asQuery))
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

/** A valid input except for some of its fields. */
const mostlyValid = fc
  .array(fc.tuple(fc.constantFrom(...INPUT_FIELDS.slice(0, 11)), oddJSON), { maxLength: 2 })
  .map((pairs) => {
    const odd = pairs.map(([key, value]) => `,${JSON.stringify(key)}:${value}`).join('')
    return `{"maxDurationSeconds":60,"sizeBytes":1000${odd}}`
  })

const variableValue = fc.oneof(
  { weight: 4, arbitrary: oddJSON },
  { weight: 3, arbitrary: oddObject },
  { weight: 3, arbitrary: mostlyValid },
  { weight: 1, arbitrary: magnitude(30_000).map((size) => JSON.stringify('x'.repeat(size))) },
  { weight: 1, arbitrary: magnitude(5000).map((size) => JSON.stringify(Array(size).fill('x'))) },
)

/** Valid documents with arbitrary variables. */
export function oddVariables(fixtures: Fixtures): fc.Arbitrary<RequestInput> {
  const body = fc
    .tuple(fc.constantFrom(...VARIABLE_DOCUMENTS), variableValue)
    .map(([document, value]) => `{"query":${JSON.stringify(document)},"variables":{"v":${value}}}`)
  return post(fixtures, body)
}

const oddKeys = fc.constantFrom(
  ...[
    ['query', 'variables', 'operationName', 'extensions', '__proto__', 'constructor', 'id', 'x'],
  ].flat(),
)
const persisted = '{"persistedQuery":{"version":1,"sha256Hash":"ecf4edb46db40b5132295c0291d62fb6"}}'

/** Bodies in the place of a GraphQL request. */
const oddBody: fc.Arbitrary<string | Buffer> = fc.oneof(
  // An object with arbitrary values, possibly with repeated keys.
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
  broken(fc.constant('{"query":"query ($a: Int) {__typename}","variables":{"a":1}}'), INSERTIONS),
  fc.uint8Array({ maxLength: 64 }).map((bytes) => Buffer.from(bytes)),
  fc.constant(Buffer.from('\uFEFF{"query":"{__typename}"}')),
  fc.constant(Buffer.from('\uFEFF{"query":"{__typename}"}', 'utf16le')),
  fc.constant(Buffer.from('{"query":"{__typename}","x":"\xFF\xC0\x80\xED\xA0\x80"}', 'latin1')),
  fc.constantFrom('{"query":"{__typename}"}{}', '{"query":"{__typename}",}', "{'query':1}", '\0'),
)

function oddNames(): readonly ['operationName', 'variables', 'extensions', 'query'] {
  return ['operationName', 'variables', 'extensions', 'query']
}

/** Bodies that are too large or nested deeper than the stack. */
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

/** Bodies that are not GraphQL requests, or contain more than one. */
export function oddBodies(fixtures: Fixtures): fc.Arbitrary<RequestInput> {
  return post(
    fixtures,
    fc.oneof({ weight: 80, arbitrary: oddBody }, { weight: 1, arbitrary: hugeBody }),
  )
}
