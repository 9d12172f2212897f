/** Documents that are expensive to parse or validate: deep, wide, long, circular or unterminated. */
import * as fc from 'fast-check'
import { magnitude } from './edge-values.ts'

/** Builds a document with about `size` elements. */
type Bomb = (size: number) => string

const each = (size: number, write: (index: number) => string): string =>
  Array.from({ length: size }, (_, index) => write(index)).join(' ')

const MINT = 'createDirectUpload(input: { maxDurationSeconds: 1 }) { __typename }'
const UPLOADS = 'uploads { nodes { uid history { at } video { hlsURL } } }'

const BOMBS: Readonly<Record<string, Bomb>> = {
  deep: (size) => `{${'a{'.repeat(size)}b${'}'.repeat(size)}}`,
  'deep and open': (size) => '{a'.repeat(size),
  braces: (size) => '{'.repeat(size),
  'closing braces': (size) => `{a}${'}'.repeat(size)}`,
  'deep inline fragments': (size) => `{${'...{'.repeat(size)}__typename${'}'.repeat(size)}}`,
  wide: (size) => `{${'__typename '.repeat(size)}}`,
  'wide and unknown': (size) => `{${each(size, (index) => `f${index}`)}}`,
  aliases: (size) => `{${each(size, (index) => `a${index}:__typename`)}}`,
  'aliases of lists': (size) => `{${each(size, (index) => `a${index}: ${UPLOADS}`)}}`,
  'aliases of mints': (size) => `mutation{${each(size, (index) => `a${index}: ${MINT}`)}}`,
  'conflicting fields': (size) => `{${each(size, (index) => `a: node(id: "${index}") { id }`)}}`,
  'same fields': (size) => `{${'uploads { nodes { uid } } '.repeat(size)}}`,
  directives: (size) => `{ __typename ${'@include(if: true) '.repeat(size)}}`,
  'unknown directives': (size) => `{ __typename ${each(size, (index) => `@d${index}`)}}`,
  'directives on the operation': (size) =>
    `query ${'@skip(if: false) '.repeat(size)}{ __typename }`,
  'fragment of itself': () => '{ ...a } fragment a on Query { ...a }',
  'circular fragments': (size) =>
    `{...f0} ${each(size, (index) => `fragment f${index} on Query {...f${(index + 1) % size}}`)}`,
  'fragments in a chain': (size) =>
    `{...f0} ${each(size, (index) => `fragment f${index} on Query {...f${index + 1}}`)} fragment f${size} on Query {__typename}`,
  'fragments that double': (size) =>
    `{...f0} ${each(size, (index) => `fragment f${index} on Query {...f${index + 1} ...f${index + 1}}`)} fragment f${size} on Query {__typename}`,
  'fields that double': (size) =>
    `{...f0} ${each(size, (index) => `fragment f${index} on Query {x${index}: node(id: 1) {...g} y${index}: node(id: 1) {...g} ...f${index + 1}}`)} fragment f${size} on Query {__typename} fragment g on Node {id}`,
  'spreads of one fragment': (size) => `{${'...f '.repeat(size)}} fragment f on Query {__typename}`,
  'unused fragments': (size) =>
    `{__typename} ${each(size, (index) => `fragment f${index} on Query {__typename}`)}`,
  'list literals': (size) => `{ nodes(ids: ${'['.repeat(size)}${']'.repeat(size)}) { id } }`,
  'list literals, open': (size) => `{x(a:${'['.repeat(size)}`,
  'object literals': (size) =>
    `mutation { createDirectUpload(input: { maxDurationSeconds: 1, meta: ${'{a:'.repeat(size)}1${'}'.repeat(size)} }) { __typename } }`,
  'many ids': (size) => `{ nodes(ids: [${each(size, (index) => `"${index}"`)}]) { id } }`,
  'huge string': (size) => `{ upload(uid: "${'a'.repeat(size * 8)}") { uid } }`,
  'block string': (size) => `{ upload(uid: """${'\n  "" \\""" '.repeat(size)}""") { uid } }`,
  'open string': (size) => `{ upload(uid: "${'a'.repeat(size * 8)}`,
  'open block string': (size) => `{ upload(uid: """${'\\"""'.repeat(size)}`,
  'unicode escapes': (size) => `{ upload(uid: "${'\\u{1F4A3}'.repeat(size)}") { uid } }`,
  'lone surrogates': (size) => `{ upload(uid: "${'\\uD800'.repeat(size)}") { uid } }`,
  'escapes beyond Unicode': (size) => `{ upload(uid: "\\u{${'F'.repeat(size)}}") { uid } }`,
  'huge name': (size) => `{${'a'.repeat(size * 8)}}`,
  'huge number': (size) => `{ uploads(first: ${'9'.repeat(size * 4)}) { totalCount } }`,
  'huge exponent': (size) => `{ recommendedProtocol(sizeBytes: 1e${'9'.repeat(size)}) { reason } }`,
  comments: (size) => `{__typename} ${'# {\n'.repeat(size)}`,
  'one comment': (size) => `{__typename} #${'{'.repeat(size * 8)}`,
  commas: (size) => `{${','.repeat(size * 8)}__typename}`,
  'byte order marks': (size) => `${'\uFEFF'.repeat(size)}{__typename}`,
  'introspection of types': (size) =>
    `{__type(name:"Upload"){${'fields{type{'.repeat(size)}name${'}}'.repeat(size)}}}`,
  'introspection of the schema': (size) =>
    `{__schema{types{${'fields{type{'.repeat(size)}name${'}}'.repeat(size)}}}}`,
  'introspection of inner types': (size) =>
    `{__schema{types{fields{type{${'ofType{'.repeat(size)}name${'}'.repeat(size)}}}}}}`,
  'repeated introspection': (size) =>
    `{${each(size, (index) => `a${index}: __schema{types{fields{type{name}}}}`)}}`,
  variables: (size) => `query(${each(size, (index) => `$v${index}: Int`)}){__typename}`,
  'variables of list types': (size) =>
    `query($v: ${'['.repeat(size)}Int${']'.repeat(size)}){__typename}`,
  'defaults that do not fit': (size) =>
    `query(${each(size, (index) => `$v${index}: Int! = [{a: "${index}"}]`)}){__typename}`,
  operations: (size) => each(size, (index) => `query q${index}{__typename}`),
  'type definitions': (size) => each(size, (index) => `type T${index} { a(b: T${index}): [T] }`),
  'another schema': () => 'schema { query: Mutation } extend type Query { a: Int } { a }',
  'many misspelled fields': (size) =>
    `{${each(size, (index) => `uploadz${index % 50}{nodez{uidd}}`)}}`,
}

const names = Object.keys(BOMBS)

/** Documents of all kinds, equally often. Most are small, because large ones are slow to send. */
export const bombs: fc.Arbitrary<string> = fc
  .tuple(
    fc.nat({ max: names.length - 1 }),
    fc.oneof(
      { weight: 12, arbitrary: magnitude(400) },
      { weight: 2, arbitrary: magnitude(20_000) },
      // Around the gateway's own limits.
      { weight: 4, arbitrary: fc.constantFrom(9, 10, 11, 20, 21, 49, 50, 51, 199, 250, 999, 1000) },
    ),
  )
  .map(([kind, size]) => BOMBS[names[kind] ?? 'deep']?.(size) ?? '')
