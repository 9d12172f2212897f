/** Generates documents from the schema, with values of right or wrong types. */
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import {
  type GraphQLArgument,
  type GraphQLField,
  type GraphQLInputType,
  type GraphQLOutputType,
  buildSchema,
  getNamedType,
  isCompositeType,
  isEnumType,
  isInputObjectType,
  isListType,
  isNonNullType,
  isObjectType,
  isRequiredArgument,
  isUnionType,
} from 'graphql'
import * as fc from 'fast-check'
import { type Chance, chanceFrom } from '../chaos/seed.ts'

const file = fileURLToPath(new URL('../../schema/schema.graphql', import.meta.url))
const schema = buildSchema(readFileSync(file, 'utf8'))
type Field = GraphQLField<unknown, unknown>

/** Maximum depth of nested selections. */
const MAX_LEVELS = 7

/** Literals that are valid for some type and invalid for most. */
const ODD_LITERALS = [
  ['null', 'true', '-1', '0', '2147483648', '1e308', '1e999', '""', '"x"', '[]', '[[null]]'],
  ['{}', '{a: 1}', '$nobody', 'READY', 'nonsense', '"\\u0000"', '"\\uD83D\\uDCA3"', '"""x"""'],
  ['99999999999999999999', '0.1', '{__proto__: {a: 1}}', '{constructor: "x"}', '["a", 1, READY]'],
  ['"9999-12-31T23:59:60Z"', '"2026-02-30T00:00:00Z"', '3600', '"3600"', '36000'],
].flat()

export interface DocumentOptions {
  /** Uploads to query. */
  readonly uids: readonly [string, ...string[]]
  /** Uploads that may be deleted. */
  readonly deletable: readonly [string, ...string[]]
  /** Percentage of literals with a wrong type. */
  readonly wrongTypePercent: number
}

/** Random operations with random fields and arguments. */
export function documents(options: DocumentOptions): fc.Arbitrary<string> {
  return fc.nat({ max: 2 ** 31 - 1 }).map((seed) => writeDocument(chanceFrom(seed), options))
}

function writeDocument(chance: Chance, options: DocumentOptions): string {
  const kind = chance.weighted({ query: 60, mutation: 30, subscription: 10 })
  const roots = {
    query: schema.getQueryType(),
    mutation: schema.getMutationType(),
    subscription: schema.getSubscriptionType(),
  }
  const root = roots[kind]
  if (root === undefined || root === null) throw new Error(`The schema has no ${kind}.`)
  const most = kind === 'subscription' && chance.percent(90) ? 1 : 3
  const fields = Object.values(root.getFields())
  return `${kind} ${chance.percent(30) ? 'Named ' : ''}${writeFields(fields, 1, most)}`

  function writeFields(all: readonly Field[], level: number, mostFields: number): string {
    const chosen = Array.from(
      { length: chance.between(1, mostFields) },
      () => all[pick(all.length)],
    )
    const written = chosen.flatMap((field) =>
      field === undefined ? [] : [writeField(field, level)],
    )
    if (chance.percent(10)) written.push('__typename')
    return `{ ${written.join(' ')} }`
  }

  function pick(length: number): number {
    return chance.between(0, length - 1)
  }

  function writeField(field: Field, level: number): string {
    const alias = level === 1 || chance.percent(30) ? `a${chance.between(0, 99)}: ` : ''
    const chosenArgs = field.args.filter((arg) => isRequiredArgument(arg) || chance.percent(30))
    const args = chosenArgs.map((arg) => `${arg.name}: ${writeArgument(arg, field.name)}`)
    const argumentList = args.length === 0 || chance.percent(2) ? '' : `(${args.join(', ')})`
    const directive = chance.percent(3) ? ' @include(if: true)' : ''
    return `${alias}${field.name}${argumentList}${directive}${writeSelection(field.type, level)}`
  }

  function writeSelection(type: GraphQLOutputType, level: number): string {
    const named = getNamedType(type)
    if (!isCompositeType(named)) return chance.percent(options.wrongTypePercent / 4) ? ' { x }' : ''
    if (level >= MAX_LEVELS) return ' { __typename }'
    if (isUnionType(named)) {
      const types = named.getTypes().filter(() => chance.percent(60))
      const written = types.map(
        (objectType) => `... on ${objectType.name} ${selectionOf(objectType.getFields(), level)}`,
      )
      return ` { __typename ${written.join(' ')} }`
    }
    if (isObjectType(named)) return ` ${selectionOf(named.getFields(), level)}`
    const [first] = schema.getPossibleTypes(named)
    const part =
      first === undefined ? '' : ` ... on ${first.name} ${selectionOf(first.getFields(), level)}`
    return ` { __typename${part} }`
  }

  function selectionOf(named: Readonly<Record<string, Field>>, level: number): string {
    return writeFields(Object.values(named), level + 1, 4)
  }

  function writeArgument({ name, type }: GraphQLArgument, field: string): string {
    if (name === 'uid' && chance.percent(80)) {
      const known = field === 'deleteUpload' ? options.deletable : options.uids
      return JSON.stringify(chance.percent(80) ? chance.oneOf(known) : 'webhook')
    }
    return writeValue(type)
  }

  function writeValue(type: GraphQLInputType): string {
    if (chance.percent(options.wrongTypePercent)) return chance.oneOf(['null', ...ODD_LITERALS])
    if (isNonNullType(type)) return writeValue(type.ofType)
    if (isListType(type)) {
      return `[${Array.from({ length: chance.between(0, 3) }, () => writeValue(type.ofType)).join(', ')}]`
    }
    if (isEnumType(type)) return type.getValues()[pick(type.getValues().length)]?.name ?? 'null'
    if (isInputObjectType(type)) {
      const chosenFields = Object.values(type.getFields()).filter(
        (field) => isNonNullType(field.type) || chance.percent(25),
      )
      return `{ ${chosenFields.map((field) => `${field.name}: ${writeValue(field.type)}`).join(', ')} }`
    }
    return writeScalar(type.name)
  }

  function writeScalar(name: string): string {
    const timestamp = new Date(Date.now() + chance.between(-10, 400) * 60_000).toISOString()
    switch (name) {
      case 'Int':
        return String(chance.oneOf([0, 1, 60, 3600, 3601, 36_000, -1, 100, 101]))
      case 'Float':
        return chance.oneOf(['0', '0.5', '1', '1.0000001', '-0.0', '1e-7'])
      case 'Boolean':
        return chance.oneOf(['true', 'false'])
      case 'ByteCount':
        return chance.oneOf(['1', '0', '"30000000000"', '30000000001', '9007199254740992'])
      case 'DateTime':
        return JSON.stringify(timestamp)
      case 'JSONObject':
        return chance.oneOf(['{}', '{a: "b"}', '{expiry: "x"}', '{headgate: "x"}', '{name: null}'])
      default:
        return JSON.stringify(
          chance.oneOf(['', 'ada', 'bob', 'VXBsb2FkOjE=', '*.example.com', '%']),
        )
    }
  }
}
