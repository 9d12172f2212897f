/** The documents fit the schema, and their readers take whatever the schema allows, and nothing else. */
import { readFileSync } from 'node:fs'
import * as fc from 'fast-check'
import {
  type FieldNode,
  type GraphQLOutputType,
  type SelectionSetNode,
  Kind,
  buildSchema,
  getNamedType,
  isEnumType,
  isListType,
  isNonNullType,
  isObjectType,
  parse,
  validate,
} from 'graphql'
import { describe, expect, it } from 'vitest'
import * as operations from '../../src/client/gateway/operations.ts'
import type { Shape } from '../../src/client/shape.ts'

const sdl = readFileSync(new URL('../../schema/schema.graphql', import.meta.url), 'utf8')
const schema = buildSchema(sdl)

it.each(
  Object.entries(operations).filter(
    (entry): entry is [string, string] => typeof entry[1] === 'string',
  ),
)('%s fits the schema', (_name, document) => {
  expect(validate(schema, parse(document))).toEqual([])
})

/** Each reader with the type of the schema that it reads. */
const readers: readonly (readonly [string, Shape<unknown>, GraphQLOutputType | undefined])[] = [
  ['a minted basic upload', operations.basicSuccess, typeNamed('CreateDirectUploadSuccess')],
  ['a minted tus upload', operations.tusSuccess, typeNamed('CreateTusUploadSuccess')],
  ['a deleted upload', operations.deleteSuccess, typeNamed('DeleteUploadSuccess')],
  ['a found upload', operations.foundUpload, schema.getQueryType()?.getFields()['upload']?.type],
  [
    'an upload found with its URL',
    operations.foundWithURL,
    schema.getQueryType()?.getFields()['upload']?.type,
  ],
  [
    'a watched upload',
    operations.watchedUpload,
    schema.getSubscriptionType()?.getFields()['uploadStatus']?.type,
  ],
]

describe.each(readers)('the reader of %s', (_name, shape, type) => {
  it('takes every answer that the schema allows', () => {
    fc.assert(
      fc.property(answersOf(type, selectionOf(shape)), (answer) => {
        expect(shape.is(answer)).toBe(true)
      }),
    )
  })

  it('takes none that lacks a field, or has null where the schema forbids it', () => {
    const selection = selectionOf(shape)
    const objectType = type === undefined ? undefined : getNamedType(type)
    const names = namesIn(selection)
    const lacking = fc
      .tuple(answersOf(objectType, selection), fc.constantFrom(...names))
      .map(([answer, name]) =>
        Object.fromEntries(
          Object.entries(Object.assign({}, answer)).filter(([field]) => field !== name),
        ),
      )
    for (const broken of [lacking, answersOf(objectType, selection, true)]) {
      fc.assert(
        fc.property(broken, (answer) => {
          expect(shape.is(answer)).toBe(false)
        }),
      )
    }
  })
})

function typeNamed(name: string): GraphQLOutputType | undefined {
  const type = schema.getType(name)
  return isObjectType(type) ? type : undefined
}

function selectionOf({ selection }: Shape<unknown>): SelectionSetNode | undefined {
  const [definition] = parse(selection).definitions
  return definition?.kind === Kind.OPERATION_DEFINITION ? definition.selectionSet : undefined
}

function namesIn(selection: SelectionSetNode | undefined): string[] {
  return (selection?.selections ?? []).flatMap((node) => ('name' in node ? node.name.value : []))
}

/** Whatever the schema lets the selection be; `wrong`: with null in a field that must not be null. */
function answersOf(
  type: GraphQLOutputType | undefined,
  selection: SelectionSetNode | undefined,
  wrong = false,
): fc.Arbitrary<unknown> {
  if (type === undefined) throw new Error('the schema has no such type')
  if (isNonNullType(type)) return answersOf(type.ofType, selection, wrong)
  if (isListType(type)) return fc.array(answersOf(type.ofType, selection), { maxLength: 3 })
  if (isEnumType(type)) return fc.constantFrom(...type.getValues().map(({ name }) => name))
  if (!isObjectType(type)) return scalarsOf(String(type))

  const fields = type.getFields()
  const nodes = (selection?.selections ?? []).filter((node): node is FieldNode => 'name' in node)
  const entries = nodes.map(({ name, selectionSet }): [string, fc.Arbitrary<unknown>] => {
    const field = fields[name.value]?.type
    const value = answersOf(field, selectionSet)
    return [name.value, isNonNullType(field) ? value : fc.option(value)]
  })
  const right = fc.record(Object.fromEntries(entries))
  if (!wrong) return right
  const strict = nodes
    .map(({ name }) => name.value)
    .filter((name) => isNonNullType(fields[name]?.type))
  if (strict.length === 0) return fc.constant(undefined)
  return fc
    .tuple(right, fc.constantFrom(...strict))
    .map(([answer, name]) => Object.assign({}, answer, { [name]: null }))
}

function scalarsOf(name: string): fc.Arbitrary<unknown> {
  switch (name) {
    case 'Int':
    case 'ByteCount':
      return fc.nat()
    case 'Float':
      return fc.double({ noNaN: true, noDefaultInfinity: true })
    case 'Boolean':
      return fc.boolean()
    case 'JSONObject':
      return fc.dictionary(fc.string(), fc.jsonValue())
    default:
      return fc.string()
  }
}
