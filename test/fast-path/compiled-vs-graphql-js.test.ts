/** Compares compiled variables and leaves with those of graphql-js, for values of all types. */
import * as fc from 'fast-check'
import {
  type GraphQLLeafType,
  Kind,
  type VariableDefinitionNode,
  getVariableValues,
  isLeafType,
  parse,
} from 'graphql'
import { describe, expect, it } from 'vitest'
import { schema } from '../../src/graphql/schema.ts'
import { compileVariables } from '../../src/http/graphql/fast-path/compile/variable-values.ts'
import { compileLeaf } from '../../src/http/graphql/fast-path/compile/serialize-leaf.ts'
import { oddJSON } from '../fuzz/edge-values.ts'
import { ODD_METAS } from './edge-values.ts'

/** Returns the result of the function; null if it throws. */
function resultOf<T>(work: () => T): { readonly value: T } | null {
  try {
    return { value: work() }
  } catch {
    return null
  }
}

function definitionsOf(text: string): readonly VariableDefinitionNode[] {
  const [operation] = parse(`query (${text}) { __typename }`).definitions
  return operation?.kind === Kind.OPERATION_DEFINITION ? (operation.variableDefinitions ?? []) : []
}

const DEFINITIONS = [
  ['$v: Int', '$v: Int!', '$v: Int = 3', '$v: Int! = 3', '$v: [Int]', '$v: [[Int!]!] = [[1]]'],
  ['$v: Float', '$v: Float! = 1', '$v: Boolean', '$v: Boolean! = true', '$v: String! = "\\u2028"'],
  ['$v: String', '$v: ID', '$v: ID!', '$v: ID = 7', '$v: [ID!]!', '$v: [ID!] = ["a"]'],
  ['$v: ByteCount!', '$v: ByteCount = "12"', '$v: DateTime', '$v: JSONObject', '$v: URL'],
  ['$v: JSONObject = {a: [1, {b: null}]}', '$v: UploadStatus', '$v: [UploadStatus!] = READY'],
  ['$v: UploadFilter', '$v: UploadFilter = {status: READY, creator: null}'],
  ['$v: CreateDirectUploadInput!', '$v: CreateTusUploadInput', '$v: [UploadFilter!]'],
].flat()

/** Valid values of each type, because random values are rarely valid. */
const VALID = [
  ['1', '0', '-0.0', '1.0', '2147483648', '"12"', '"READY"', '["READY","ERROR"]', 'true', 'null'],
  ['"2026-01-01T00:00:00Z"', '{"status":"READY"}', '{"status":["READY"],"creator":null}'],
  ['{"maxDurationSeconds":60,"meta":{"then":1}}', '{"maxDurationSeconds":60,"sizeBytes":"5"}'],
  ['{"maxDurationSeconds":60,"allowedOrigins":"a","__proto__":{}}', '[[1],[2]]', '[1,[2]]'],
  ['"https://example.com"', '[{"protocol":"TUS"}]', '[null]'],
  ODD_METAS,
].flat()

function isJSON(text: string): boolean {
  return resultOf((): unknown => JSON.parse(text)) !== null
}

describe('variables', () => {
  it('are coerced like graphql-js coerces them, or rejected', () => {
    let validCount = 0
    fc.assert(
      fc.property(
        fc.constantFrom(...DEFINITIONS),
        fc.oneof({ weight: 2, arbitrary: fc.constantFrom(...VALID) }, oddJSON.filter(isJSON)),
        fc.constantFrom('present', 'absent'),
        (definition, json, presence) => {
          const definitions = definitionsOf(definition)
          const inputs: Record<string, unknown> =
            presence === 'absent' ? {} : { v: JSON.parse(json), other: 1 }
          const { coerced } = getVariableValues(schema, definitions, inputs)
          const compiled = resultOf(() => compileVariables(schema, definitions)(inputs))
          if (coerced !== undefined) validCount += 1
          expect(compiled?.value).toEqual(coerced)
          expect(Object.keys(compiled?.value ?? {})).toEqual(Object.keys(coerced ?? {}))
        },
      ),
      { numRuns: 3000 },
    )
    expect(validCount).toBeGreaterThan(300)
  })

  it.each(['toString', 'constructor', 'hasOwnProperty', '__typename'])(
    'named %s are not read from the prototype',
    (name) => {
      const definitions = definitionsOf(`$${name}: String`)
      const coerce = compileVariables(schema, definitions)
      expect(Object.keys(coerce({}))).toEqual([])
      expect(coerce({ [name]: 'x' })[name]).toBe('x')
    },
  )
})

const leaves = Object.values(schema.getTypeMap()).filter((type) => isLeafType(type))

/** Values that a resolver may return, and values that it should not. */
const value = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.constantFrom(
    '\ud800',
    'a\udca3',
    '\u2028',
    '"',
    '\\',
    '\u0000',
    '',
    'READY',
    'BASIC',
    'SYNC',
    'QUERY',
    'OBJECT',
    'CROP',
  ),
  fc.double(),
  fc.integer(),
  fc.constantFrom(-0, 1e21, 5e-324, 2 ** 31, -(2 ** 31), 2 ** 31 - 1, Number.MAX_SAFE_INTEGER),
  fc.boolean(),
  fc.date(),
  fc.constantFrom(
    {},
    [],
    { toJSON: () => ({ a: 1 }) },
    { valueOf: () => 5 },
    { toJSON: () => null },
  ),
  fc.constantFrom(...ODD_METAS).map((json): unknown => JSON.parse(json)),
)

describe('a leaf', () => {
  it('exists for each scalar and enum type', () => {
    expect(leaves.map(String)).toEqual(
      expect.arrayContaining([
        'Int',
        'Float',
        'String',
        'Boolean',
        'ID',
        'DateTime',
        'UploadStatus',
      ]),
    )
  })

  it.each(leaves.map((type): [string, GraphQLLeafType] => [type.name, type]))(
    'of type %s is written as graphql-js serializes it, or rejected',
    (_name, type) => {
      const write = compileLeaf(type)
      let writtenCount = 0
      fc.assert(
        fc.property(value, (input) => {
          const json = resultOf(() => JSON.stringify(type.serialize(input)))
          const text = resultOf(() => write(input))
          if (text !== null) writtenCount += 1
          // For a leaf that is null in JSON, compiled code bails out: the fallback checks nullability.
          const mayBailOut = json?.value === 'null' || json?.value === undefined
          expect(text?.value ?? (mayBailOut ? json?.value : null)).toBe(json?.value)
        }),
        { numRuns: 1000 },
      )
      expect(writtenCount).toBeGreaterThan(0)
    },
  )
})
