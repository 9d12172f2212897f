/** Generates random valid queries, with all syntax that GraphQL has for them. */
import {
  type GraphQLArgument,
  type GraphQLField,
  type GraphQLInputType,
  type GraphQLOutputType,
  type GraphQLSchema,
  getNamedType,
  isAbstractType,
  isCompositeType,
  isEnumType,
  isInputObjectType,
  isInterfaceType,
  isListType,
  isNonNullType,
  isObjectType,
  isRequiredArgument,
  isRequiredInputField,
} from 'graphql'
import type { Chance } from '../chaos/seed.ts'
import { ODD_ALIASES, ODD_METAS } from './edge-values.ts'

/** Variables are JSON text by name, because JSON has values that no JavaScript literal has. */
export interface GeneratedQuery {
  readonly query: string
  readonly variables: ReadonlyMap<string, string>
  readonly operationName: string | null
}

/** Uploads of the database that a query refers to. */
export interface SeededUploads {
  readonly uids: readonly [string, ...string[]]
  readonly cursors: readonly [string, ...string[]]
  readonly timestamps: readonly [string, ...string[]]
}

type Field = GraphQLField<unknown, unknown>

const MAX_LEVELS = 6
const WRONG_JSON = [
  '"x"',
  '-1',
  '1.5',
  '[]',
  '{}',
  'true',
  'null',
  '1e400',
  '[[]]',
  '"\\ud800"',
] as const

export function writeQuery(
  schema: GraphQLSchema,
  chance: Chance,
  seeded: SeededUploads,
): GeneratedQuery {
  const definitions: string[] = []
  const variables = new Map<string, string>()
  const fragments: string[] = []
  const fragmentsByType = new Map<string, string[]>()
  const oddAliases = new Set<string>(ODD_ALIASES)
  let aliases = 0
  let directives = 0

  const root = schema.getQueryType()
  if (root === null || root === undefined) throw new Error('The schema has no queries.')
  const rootSelection = writeSelection(root, 1)
  const operationName = chance.percent(60) ? 'Generated' : ''
  const head = definitions.length === 0 ? '' : `(${definitions.join(', ')})`
  const operation =
    operationName === '' && head === '' && chance.percent(50)
      ? ''
      : `query ${operationName}${head} `
  const other = operationName !== '' && chance.percent(15) ? ' query Other { __typename }' : ''
  return {
    query: `${operation}${rootSelection}${other}${fragments.map((fragment) => ` ${fragment}`).join('')}`,
    variables,
    operationName:
      other !== '' || (operationName !== '' && chance.percent(50)) ? operationName : null,
  }

  function pick<T>(choices: readonly T[]): T {
    const chosen = choices[chance.between(0, choices.length - 1)]
    if (chosen === undefined) throw new Error('No choices.')
    return chosen
  }

  function writeSelection(type: GraphQLOutputType, level: number): string {
    const named = getNamedType(type)
    if (!isCompositeType(named)) return ''
    const items = Array.from({ length: chance.between(1, level === 1 ? 3 : 4) }, () =>
      writePart(named.name, level),
    )
    return `{ ${items.join(' ')} }`
  }

  /** Writes one field, or a fragment with fields. */
  function writePart(typeName: string, level: number): string {
    const type = schema.getType(typeName)
    if (chance.percent(12)) return `${alias(10)}__typename${directive()}`
    if (chance.percent(12) && level < MAX_LEVELS) {
      const on = chance.percent(50) ? `on ${condition(typeName)} ` : null
      if (on === null) return `...${directive()} { ${writePart(typeName, level)} }`
      return `... ${on}${directive()} { ${writePart(on.slice(3).trim(), level)} }`
    }
    if (chance.percent(12) && level < MAX_LEVELS) {
      return `...${fragmentOn(condition(typeName), level)}${directive()}`
    }
    const fields =
      isObjectType(type) || isInterfaceType(type) ? Object.values(type.getFields()) : []
    const shallow = fields.filter((field) => !isCompositeType(getNamedType(field.type)))
    const choices = level >= MAX_LEVELS ? shallow : fields
    if (choices.length === 0) return '__typename'
    return writeField(pick(choices), level)
  }

  /** Returns the type itself, an interface of it, or a possible type of it. */
  function condition(typeName: string): string {
    const type = schema.getType(typeName)
    const wider = isObjectType(type) ? type.getInterfaces() : []
    const narrower = isAbstractType(type) ? schema.getPossibleTypes(type) : []
    return pick([typeName, ...wider.map(String), ...narrower.map(String)])
  }

  function fragmentOn(typeName: string, level: number): string {
    const known = fragmentsByType.get(typeName) ?? []
    fragmentsByType.set(typeName, known)
    if (known.length > 0 && chance.percent(50)) return pick(known)
    const fragment = `F${fragments.length + 1}_${chance.between(0, 9)}_${known.length}_${level}`
    const items = [writePart(typeName, level + 1), writePart(typeName, level + 1)]
    fragments.push(`fragment ${fragment} on ${typeName} { ${items.join(' ')} }`)
    // Added after it is written: a fragment must not contain itself.
    known.push(fragment)
    return fragment
  }

  function alias(percent: number): string {
    if (aliases >= 30 || !chance.percent(percent)) return ''
    aliases += 1
    const [odd] = oddAliases
    if (odd === undefined || chance.percent(80)) return `a${aliases}: `
    oddAliases.delete(odd)
    return `${odd}: `
  }

  function directive(): string {
    if (directives >= 10 || !chance.percent(10)) return ''
    directives += 1
    const name = chance.oneOf(['skip', 'include'])
    if (chance.percent(40)) return ` @${name}(if: ${chance.oneOf(['true', 'false'])})`
    const variable = `$v${variables.size + definitions.length}`
    const fallback = chance.percent(40) ? ` = ${chance.oneOf(['true', 'false'])}` : ''
    const type = fallback !== '' && chance.percent(50) ? 'Boolean' : 'Boolean!'
    definitions.push(`${variable}: ${type}${fallback}`)
    const value = chance.weighted({ true: 45, false: 45, null: fallback === '' ? 1 : 5, absent: 5 })
    if (value !== 'absent') variables.set(variable.slice(1), value)
    return ` @${name}(if: ${variable})`
  }

  function writeField(field: Field, level: number): string {
    const args = field.args.filter((argument) => isRequiredArgument(argument) || chance.percent(35))
    const argumentList =
      args.length === 0 ? '' : `(${args.map((argument) => writeArgument(argument)).join(', ')})`
    // Fields with one response key must have the same arguments, hence an alias for each.
    const key = alias(field.args.length > 0 ? 100 : 25)
    if (field.args.length > 0 && key === '') return '__typename'
    const selection = writeSelection(field.type, level + 1)
    return `${key}${field.name}${argumentList}${directive()} ${selection}`.trimEnd()
  }

  function writeArgument(argument: GraphQLArgument): string {
    const { name, type } = argument
    // `first` with `last` is rejected, and most pages should be accepted.
    if ((name === 'last' || name === 'before') && chance.percent(50)) return `${name}: null`
    const isOptional = isNonNullType(type) && argument.defaultValue !== undefined
    return `${name}: ${writeValue(type, name, isOptional)}`
  }

  /** @param isOptional whether a nullable variable is valid here, which may be absent */
  function writeValue(type: GraphQLInputType, name: string, isOptional: boolean): string {
    if (chance.percent(45)) return writeVariable(type, name, isOptional)
    return literal(type, name)
  }

  function writeVariable(type: GraphQLInputType, name: string, isOptional: boolean): string {
    const variable = `v${variables.size + definitions.length}`
    const bare = isNonNullType(type) ? type.ofType : type
    const hasDefault = chance.percent(30)
    const fallback = hasDefault ? ` = ${literal(bare, name, true)}` : ''
    const isRequired = isNonNullType(type) && !hasDefault && !isOptional
    const isStrict = isRequired || chance.percent(20)
    definitions.push(`$${variable}: ${String(bare)}${isStrict ? '!' : ''}${fallback}`)
    const isAbsent = chance.percent(isStrict && !hasDefault ? 2 : 25)
    if (!isAbsent) {
      const isNull = chance.percent(isStrict ? 2 : 10)
      variables.set(variable, isNull ? 'null' : json(bare, name))
    }
    return `$${variable}`
  }

  function literal(type: GraphQLInputType, name: string, isConstant = false): string {
    if (isNonNullType(type)) return literal(type.ofType, name, isConstant)
    const inner = (nested: GraphQLInputType, nestedName: string): string =>
      isConstant || isNonNullType(nested)
        ? literal(nested, nestedName, isConstant)
        : writeValue(nested, nestedName, false)
    if (isListType(type)) {
      if (chance.percent(20)) return literal(type.ofType, name, isConstant)
      const length = chance.between(0, 3)
      return `[${Array.from({ length }, () => literal(type.ofType, name, isConstant)).join(', ')}]`
    }
    if (isEnumType(type)) return pick(type.getValues()).name
    if (isInputObjectType(type)) {
      const fields = Object.values(type.getFields()).filter(
        (field) => isRequiredInputField(field) || chance.percent(30),
      )
      return `{ ${fields.map((field) => `${field.name}: ${inner(field.type, field.name)}`).join(', ')} }`
    }
    if (type.name === 'JSONObject') return chance.oneOf(['{}', '{a: [1, "b", C, null]}'])
    return scalar(type.name, name)
  }

  function json(type: GraphQLInputType, name: string): string {
    if (chance.percent(2)) return chance.oneOf(WRONG_JSON)
    if (isNonNullType(type)) return json(type.ofType, name)
    if (isListType(type)) {
      if (chance.percent(20)) return json(type.ofType, name)
      const length = chance.between(0, 3)
      return `[${Array.from({ length }, () => json(type.ofType, name)).join(',')}]`
    }
    if (isEnumType(type)) return JSON.stringify(pick(type.getValues()).name)
    if (isInputObjectType(type)) {
      const fields = Object.values(type.getFields()).filter(
        (field) => isRequiredInputField(field) || chance.percent(30),
      )
      return `{${fields.map((field) => `${JSON.stringify(field.name)}:${json(field.type, field.name)}`).join(',')}}`
    }
    if (type.name === 'JSONObject') return chance.oneOf(ODD_METAS)
    return scalar(type.name, name)
  }

  /** Writes a value that is equal as a literal and as JSON. */
  function scalar(typeName: string, name: string): string {
    switch (typeName) {
      case 'Int':
        if (chance.percent(10)) return chance.oneOf(['0', '-1', '101', '2147483647', '100'])
        return String(name === 'ttlSeconds' ? chance.between(60, 62) : chance.between(1, 30))
      case 'Float':
        return chance.oneOf(['0', '1', '0.5', '-0.0', '1e-7', '3'])
      case 'Boolean':
        return chance.oneOf(['true', 'false'])
      case 'ByteCount':
        return chance.oneOf(['1', '0', '"30000000000"', '30000000001', '9007199254740991', '"1"'])
      case 'DateTime':
        return JSON.stringify(chance.oneOf(seeded.timestamps))
      default:
        return textFor(name)
    }
  }

  function textFor(name: string): string {
    const uid = chance.oneOf(seeded.uids)
    switch (name) {
      case 'uid':
        return JSON.stringify(chance.percent(90) ? uid : chance.oneOf(['', 'nobody', 'é"\\']))
      case 'id':
      case 'ids':
        return chance.percent(4)
          ? '7'
          : JSON.stringify(chance.percent(90) ? btoa(`Upload:${uid}`) : 'VXBsb2Fk')
      case 'after':
      case 'before':
        return JSON.stringify(chance.percent(90) ? chance.oneOf(seeded.cursors) : 'nonsense')
      default:
        return chance.oneOf(['"creator-0"', '"creator-1"', '""', '"\\u2028"', '"nobody"'])
    }
  }
}
