/**
 * Compiles a selection set to functions that resolve its fields and write JSON directly, without reading
 * the document again or building a result object. Bails out in cases that it does not implement.
 * https://spec.graphql.org/October2021/#sec-Executing-Selection-Sets
 */
import { isRecord } from '../../../../shared/json.ts'
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
import { type CollectFieldsContext, collectFields } from './collect-fields.ts'
import type { FieldBudget } from './field-budget.ts'
import { bailOut } from './bail-out.ts'
import { compileArguments } from './argument-values.ts'
import { type JsonText, ignoreRejections, isPromise, joinWhenReady } from './json-text.ts'
import { compileLeaf } from './serialize-leaf.ts'

/** Context and variables of one execution. */
export interface Execution {
  readonly context: unknown
  /** Coerced as graphql-js does. */
  readonly variables: Readonly<Record<string, unknown>>
}

/** The operation that is being compiled. */
export interface CompileContext extends CollectFieldsContext {
  readonly operation: OperationDefinitionNode
  /** Fragments for `GraphQLResolveInfo`. */
  readonly named: GraphQLResolveInfo['fragments']
  readonly budget: FieldBudget
}

/** Serializes a resolved value to JSON. */
type SerializeValue = (value: unknown, run: Execution) => JsonText

/** A field of an object, with its response key. */
export interface CompiledField {
  readonly key: string
  /** JSON before the value, such as `,"uid":`. */
  readonly head: string
  /** Calls the resolver. */
  readonly resolve: (source: unknown, run: Execution) => unknown
  /** Serializes the resolved value. */
  readonly write: SerializeValue
}

/** Compiles the selected fields of an object type. Throws if they include `__schema` or `__type`. */
export function compileFields(
  context: CompileContext,
  type: GraphQLObjectType,
  selections: readonly SelectionSetNode[],
): readonly CompiledField[] {
  const groups = collectFields(context, type, selections)
  context.budget.consume(groups.size)
  return [...groups].map(([key, nodes], index) => {
    const head = `${index === 0 ? '{' : ','}${JSON.stringify(key)}:`
    const [{ name } = bailOut()] = nodes
    if (name.value === '__typename') {
      const text = JSON.stringify(type.name)
      return { key, head, resolve: () => type.name, write: () => text }
    }
    // `__schema` and `__type` are not compiled: tools query them once.
    const field = type.getFields()[name.value] ?? bailOut()
    const info = infoOf(context, type, field, nodes)
    const write = compileValue(context, field.type, info)
    return { key, head, resolve: resolverOf(field, info), write }
  })
}

/** Resolves all fields in parallel and writes them as one JSON object. */
export function writeFields(
  fields: readonly CompiledField[],
  source: unknown,
  run: Execution,
): JsonText {
  let text = fields.length === 0 ? '{' : ''
  let pieces: JsonText[] | null = null
  try {
    for (const { head, resolve, write } of fields) {
      const piece = writeResolved(resolve(source, run), write, run)
      if (pieces !== null) pieces.push(head, piece)
      else if (typeof piece === 'string') text += head + piece
      else pieces = [text + head, piece]
    }
  } catch (error) {
    ignoreRejections(pieces ?? [])
    throw error
  }
  return pieces === null ? `${text}}` : joinWhenReady(pieces, '}')
}

function compileObject(
  context: CompileContext,
  type: GraphQLObjectType,
  selections: readonly SelectionSetNode[],
): SerializeValue {
  if (type.isTypeOf !== null && type.isTypeOf !== undefined) return bailOut()
  const fields = compileFields(context, type, selections)
  return (source, run) => writeFields(fields, source, run)
}

/** Writes a resolved value, which can be a promise. Bails out if it is an Error. */
export function writeResolved(value: unknown, write: SerializeValue, run: Execution): JsonText {
  if (isPromise(value)) return writeLater(value, write, run)
  return value instanceof Error ? bailOut() : write(value, run)
}

async function writeLater(
  promised: PromiseLike<unknown>,
  write: SerializeValue,
  run: Execution,
): Promise<string> {
  const value = await promised
  return value instanceof Error ? bailOut() : write(value, run)
}

function resolverOf(
  field: GraphQLField<unknown, unknown>,
  info: GraphQLResolveInfo,
): CompiledField['resolve'] {
  const { resolve, name } = field
  if (resolve === undefined) {
    return (source) => {
      const value = isRecord(source) ? source[name] : bailOut()
      return typeof value === 'function' ? bailOut() : value
    }
  }
  const read = compileArguments(field, info.fieldNodes[0] ?? bailOut())
  return (source, run) => resolve(source, read(run.variables), run.context, info)
}

/** Creates the info object, shared by all executions. Reading a per-execution property bails out. */
function infoOf(
  { schema, named, operation }: CompileContext,
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
      return bailOut()
    },
    get rootValue() {
      return bailOut()
    },
    get variableValues() {
      return bailOut()
    },
  }
}

function compileValue(
  context: CompileContext,
  type: GraphQLOutputType,
  info: GraphQLResolveInfo,
): SerializeValue {
  const required = isNonNullType(type)
  const write = compileNonNull(context, required ? type.ofType : type, info)
  return (value, run) => {
    if (value !== null && value !== undefined) return write(value, run)
    return required ? bailOut() : 'null'
  }
}

/** Compiles the serializer for values that are neither null nor undefined. */
function compileNonNull(
  context: CompileContext,
  type: GraphQLOutputType,
  info: GraphQLResolveInfo,
): SerializeValue {
  if (isNonNullType(type)) return bailOut()
  if (isLeafType(type)) return compileLeaf(type)
  if (isListType(type)) return listWriter(compileValue(context, type.ofType, info))
  const selections = info.fieldNodes.flatMap(({ selectionSet }) => selectionSet ?? [])
  return isAbstractType(type)
    ? abstractWriter(context, type, selections, info)
    : compileObject(context, type, selections)
}

function listWriter(write: SerializeValue): SerializeValue {
  return (list, run) => {
    if (!Array.isArray(list)) return bailOut()
    const values: readonly unknown[] = list
    let text = '['
    let pieces: JsonText[] | null = null
    let comma = ''
    try {
      for (const value of values) {
        const piece = writeResolved(value, write, run)
        if (pieces !== null) pieces.push(comma, piece)
        else if (typeof piece === 'string') text += comma + piece
        else pieces = [text + comma, piece]
        comma = ','
      }
    } catch (error) {
      ignoreRejections(pieces ?? [])
      throw error
    }
    return pieces === null ? `${text}]` : joinWhenReady(pieces, ']')
  }
}

function abstractWriter(
  context: CompileContext,
  type: GraphQLAbstractType,
  selections: readonly SelectionSetNode[],
  info: GraphQLResolveInfo,
): SerializeValue {
  const { resolveType } = type
  if (resolveType === null || resolveType === undefined) return bailOut()
  const writers = new Map(
    context.schema
      .getPossibleTypes(type)
      .map((possible) => [possible.name, compileObject(context, possible, selections)]),
  )
  return (value, run) => {
    const name = resolveType(value, run.context, info, type)
    const write = typeof name === 'string' ? writers.get(name) : undefined
    return write === undefined ? bailOut() : write(value, run)
  }
}
