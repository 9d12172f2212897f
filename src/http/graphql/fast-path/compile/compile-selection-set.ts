/**
 * Turns a selection into functions that resolve it and write its JSON in one go, for the regular case
 * alone: nothing of the document is looked at again, and no result is built only to be walked through.
 * https://spec.graphql.org/October2021/#sec-Executing-Selection-Sets
 */
import {
  type FieldNode,
  type GraphQLAbstractType,
  type GraphQLField,
  type GraphQLObjectType,
  type GraphQLOutputType,
  type GraphQLResolveInfo,
  type OperationDefinitionNode,
  type SelectionSetNode,
  isAbstractType,
  isLeafType,
  isListType,
  isNonNullType,
} from 'graphql'
import { type Reading, collectFields } from './collect-fields.ts'
import type { FieldBudget } from './field-budget.ts'
import { giveUp } from './bail-out.ts'
import { argumentReader } from './argument-values.ts'
import { type Text, abandon, isPromise, joinLater } from './json-text.ts'
import { leafWriter } from './serialize-leaf.ts'

/** What one execution is carried out with. */
export interface Run {
  readonly context: unknown
  /** As graphql-js coerced them. */
  readonly variables: Readonly<Record<string, unknown>>
}

/** The operation that is being compiled. */
export interface Compiling extends Reading {
  readonly operation: OperationDefinitionNode
  /** The fragments as resolvers are shown them. */
  readonly named: GraphQLResolveInfo['fragments']
  readonly budget: FieldBudget
}

/** JSON of a value that a resolver gave. */
type WriteValue = (value: unknown, run: Run) => Text

/** A field of an object, under its key in the answer. */
export interface CompiledField {
  readonly key: string
  /** What stands before its value, such as `,"uid":`. */
  readonly head: string
  /** What its resolver gives, or throws. */
  readonly resolve: (source: unknown, run: Run) => unknown
  /** JSON of that. */
  readonly write: WriteValue
}

/** Throws where the selection asks for what is not compiled: the schema itself. */
export function compileFields(
  compiling: Compiling,
  type: GraphQLObjectType,
  selections: readonly SelectionSetNode[],
): readonly CompiledField[] {
  const groups = collectFields(compiling, type, selections)
  compiling.budget.take(groups.size)
  return [...groups].map(([key, nodes], place) => {
    const head = `${place === 0 ? '{' : ','}${JSON.stringify(key)}:`
    const [{ name } = giveUp()] = nodes
    if (name.value === '__typename') {
      const text = JSON.stringify(type.name)
      return { key, head, resolve: () => type.name, write: () => text }
    }
    // Beside its own fields each schema has `__schema` and `__type`, which tools ask for once.
    const field = type.getFields()[name.value] ?? giveUp()
    const info = infoOf(compiling, type, field, nodes)
    const write = compileValue(compiling, field.type, info)
    return { key, head, resolve: resolverOf(field, info), write }
  })
}

/** Resolves all of them, without waiting for one before the next, and writes them as one object. */
export function writeFields(fields: readonly CompiledField[], source: unknown, run: Run): Text {
  let text = fields.length === 0 ? '{' : ''
  let parts: Text[] | null = null
  try {
    for (const { head, resolve, write } of fields) {
      const part = writeResolved(resolve(source, run), write, run)
      if (parts !== null) parts.push(head, part)
      else if (typeof part === 'string') text += head + part
      else parts = [text + head, part]
    }
  } catch (error) {
    abandon(parts ?? [])
    throw error
  }
  return parts === null ? `${text}}` : joinLater(parts, '}')
}

function compileObject(
  compiling: Compiling,
  type: GraphQLObjectType,
  selections: readonly SelectionSetNode[],
): WriteValue {
  if (type.isTypeOf !== null && type.isTypeOf !== undefined) return giveUp()
  const fields = compileFields(compiling, type, selections)
  return (source, run) => writeFields(fields, source, run)
}

/** What a resolver gave may be on its way, and may be an error that it did not throw. */
export function writeResolved(value: unknown, write: WriteValue, run: Run): Text {
  if (isPromise(value)) return writeLater(value, write, run)
  return value instanceof Error ? giveUp() : write(value, run)
}

async function writeLater(
  promised: PromiseLike<unknown>,
  write: WriteValue,
  run: Run,
): Promise<string> {
  const value = await promised
  return value instanceof Error ? giveUp() : write(value, run)
}

function resolverOf(
  field: GraphQLField<unknown, unknown>,
  info: GraphQLResolveInfo,
): CompiledField['resolve'] {
  const { resolve, name } = field
  if (resolve === undefined) {
    return (source) => {
      const value = isRecord(source) ? source[name] : giveUp()
      return typeof value === 'function' ? giveUp() : value
    }
  }
  const read = argumentReader(field, info.fieldNodes[0] ?? giveUp())
  return (source, run) => resolve(source, read(run.variables), run.context, info)
}

/** What is the same for all executions; for a resolver that looks at anything else nothing is compiled. */
function infoOf(
  { schema, named, operation }: Compiling,
  parentType: GraphQLObjectType,
  { name, type }: GraphQLField<unknown, unknown>,
  fieldNodes: readonly FieldNode[],
): GraphQLResolveInfo {
  return {
    fieldName: name,
    fieldNodes,
    returnType: type,
    parentType,
    schema,
    operation,
    fragments: named,
    get path() {
      return giveUp()
    },
    get rootValue() {
      return giveUp()
    },
    get variableValues() {
      return giveUp()
    },
  }
}

function compileValue(
  compiling: Compiling,
  type: GraphQLOutputType,
  info: GraphQLResolveInfo,
): WriteValue {
  const required = isNonNullType(type)
  const write = compilePresent(compiling, required ? type.ofType : type, info)
  return (value, run) => {
    if (value !== null && value !== undefined) return write(value, run)
    return required ? giveUp() : 'null'
  }
}

/** For a value that is there. */
function compilePresent(
  compiling: Compiling,
  type: GraphQLOutputType,
  info: GraphQLResolveInfo,
): WriteValue {
  if (isNonNullType(type)) return giveUp()
  if (isLeafType(type)) return leafWriter(type)
  if (isListType(type)) return listWriter(compileValue(compiling, type.ofType, info))
  const selections = info.fieldNodes.flatMap(({ selectionSet }) => selectionSet ?? [])
  return isAbstractType(type)
    ? abstractWriter(compiling, type, selections, info)
    : compileObject(compiling, type, selections)
}

function listWriter(write: WriteValue): WriteValue {
  return (list, run) => {
    if (!Array.isArray(list)) return giveUp()
    const values: readonly unknown[] = list
    let text = '['
    let parts: Text[] | null = null
    let comma = ''
    try {
      for (const value of values) {
        const part = writeResolved(value, write, run)
        if (parts !== null) parts.push(comma, part)
        else if (typeof part === 'string') text += comma + part
        else parts = [text + comma, part]
        comma = ','
      }
    } catch (error) {
      abandon(parts ?? [])
      throw error
    }
    return parts === null ? `${text}]` : joinLater(parts, ']')
  }
}

function abstractWriter(
  compiling: Compiling,
  type: GraphQLAbstractType,
  selections: readonly SelectionSetNode[],
  info: GraphQLResolveInfo,
): WriteValue {
  const { resolveType } = type
  if (resolveType === null || resolveType === undefined) return giveUp()
  const writers = new Map(
    compiling.schema
      .getPossibleTypes(type)
      .map((possible) => [possible.name, compileObject(compiling, possible, selections)]),
  )
  return (value, run) => {
    const name = resolveType(value, run.context, info, type)
    const write = typeof name === 'string' ? writers.get(name) : undefined
    return write === undefined ? giveUp() : write(value, run)
  }
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null
}
