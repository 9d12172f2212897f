/** The documents are valid against the schema, and their readers accept exactly what the schema allows. */
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
)('%s is valid against the schema', (_name, document) => {
  expect(validate(schema, parse(document))).toEqual([])
})

/** Each reader with the schema type of its result. */
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
  ['a page of uploads', operations.uploadPage, schema.getQueryType()?.getFields()['uploads']?.type],
  [
    'an event of a list',
    operations.listEvent,
    schema.getSubscriptionType()?.getFields()['uploadList']?.type,
  ],
  [
    'the addresses of a video',
    operations.foundPlayback,
    schema.getQueryType()?.getFields()['playback']?.type,
  ],
]

describe.each(readers)('the reader of %s', (_name, shape, type) => {
  it('accepts every result that the schema allows', () => {
    fc.assert(
      fc.property(resultsOf(type, selectionOf(shape)), (result) => {
        expect(shape.is(result)).toBe(true)
      }),
    )
  })

  it('rejects results with a missing field or a null in a non-null position', () => {
    const selection = selectionOf(shape)
    const objectType = type === undefined ? undefined : getNamedType(type)
    const names = namesIn(selection)
    const incomplete = fc
      .tuple(resultsOf(objectType, selection), fc.constantFrom(...names))
      .map(([result, name]) =>
        Object.fromEntries(
          Object.entries(Object.assign({}, result)).filter(([field]) => field !== name),
        ),
      )
    for (const invalid of [incomplete, resultsOf(objectType, selection, true)]) {
      fc.assert(
        fc.property(invalid, (result) => {
          expect(shape.is(result)).toBe(false)
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

/** Generates results of the selection; `withNull` puts null into one non-null field. */
function resultsOf(
  type: GraphQLOutputType | undefined,
  selection: SelectionSetNode | undefined,
  withNull = false,
): fc.Arbitrary<unknown> {
  if (type === undefined) throw new Error('type not found in the schema')
  if (isNonNullType(type)) return resultsOf(type.ofType, selection, withNull)
  if (isListType(type)) return fc.array(resultsOf(type.ofType, selection), { maxLength: 3 })
  if (isEnumType(type)) return fc.constantFrom(...type.getValues().map(({ name }) => name))
  if (!isObjectType(type)) return scalarsOf(String(type))

  const fields = type.getFields()
  const nodes = (selection?.selections ?? []).filter((node): node is FieldNode => 'name' in node)
  const entries = nodes.map(({ name, selectionSet }): [string, fc.Arbitrary<unknown>] => {
    const field = fields[name.value]?.type
    const value = resultsOf(field, selectionSet)
    return [name.value, isNonNullType(field) ? value : fc.option(value)]
  })
  const valid = fc.record(Object.fromEntries(entries))
  if (!withNull) return valid
  const strict = nodes
    .map(({ name }) => name.value)
    .filter((name) => isNonNullType(fields[name]?.type))
  if (strict.length === 0) return fc.constant(undefined)
  return fc
    .tuple(valid, fc.constantFrom(...strict))
    .map(([result, name]) => Object.assign({}, result, { [name]: null }))
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
