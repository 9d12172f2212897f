/** Compiles one operation of a validated document to a function that returns its result as JSON text. */
import {
  type DocumentNode,
  type FragmentDefinitionNode,
  type GraphQLSchema,
  Kind,
  OperationTypeNode,
  getOperationAST,
  visit,
} from 'graphql'
import {
  type CompiledField,
  type Execution,
  compileFields,
  writeFields,
  writeResolved,
} from './compile-selection-set.ts'
import type { FieldBudget } from './field-budget.ts'
import { bailOut } from './bail-out.ts'
import { variablesInNonNullPositions } from '../../plugins/non-null-positions.ts'
import type { FieldResult, FieldResults } from '../mutation-replay.ts'
import { compileVariables } from './variable-values.ts'
import type { JsonText } from './json-text.ts'

type Values = Readonly<Record<string, unknown>>

/** Input of one execution. */
export interface ExecutionInput {
  readonly context: unknown
  /** Uncoerced, as the client sent them. */
  readonly variables: Values
  /** Root value: the event of a subscription, otherwise undefined. */
  readonly root?: unknown
  /** Receives the result of each mutation field, for a replay after a bail-out. */
  readonly outcomes?: FieldResults
  /** Called before each mutation field except the first; true stops the execution with a bail-out. */
  readonly isTimedOut?: () => boolean
}

/** Returns the operation's `data` as JSON. Throws or rejects on a bail-out or an error. */
export type ExecuteOperation = (input: ExecutionInput) => JsonText

/** Maximum number of compiled variants, one per combination of `@skip` and `@include` values. */
const MAX_VARIANTS = 8

/** Compiles the operation. Null if it does not exist or uses unsupported features. */
export function compileOperation(
  schema: GraphQLSchema,
  document: DocumentNode,
  operationName: string | null,
  budget: FieldBudget,
): ExecuteOperation | null {
  const operation = getOperationAST(document, operationName)
  const type = operation && schema.getRootType(operation.operation)
  if (!operation || !type) return null
  const { selectionSet, variableDefinitions = [] } = operation
  const fragments = fragmentsOf(document)
  const named = Object.fromEntries(fragments)
  const conditions = conditionsIn(document)
  const nonNull = variablesInNonNullPositions(schema, document, operation)
  // Rare, and the fallback rejects null before it subscribes.
  if (nonNull.length > 0 && operation.operation === OperationTypeNode.SUBSCRIPTION) return null
  const coerceVariables = compileVariables(schema, variableDefinitions)
  const variants = new Map<string, readonly CompiledField[]>()

  function fieldsFor(values: Values): readonly CompiledField[] {
    const variant =
      conditions.length === 0 ? '' : conditions.map((name) => String(values[name])).join()
    const known = variants.get(variant)
    if (known !== undefined) return known
    if (variants.size >= MAX_VARIANTS || !operation || !type) return bailOut()
    const compileContext = { schema, fragments, named, conditions: values, operation, budget }
    const fields = compileFields(compileContext, type, [selectionSet])
    variants.set(variant, fields)
    return fields
  }

  // Without conditions there is one variant, so unsupported features show now.
  if (conditions.length === 0 && !compiles(() => fieldsFor({}))) return null

  const write = operation.operation === OperationTypeNode.MUTATION ? writeSerially : writeInParallel
  return (input) => {
    const variables = coerceVariables(input.variables)
    // Before any mutation field is executed: the fallback rejects the whole operation.
    if (nonNull.some((name) => variables[name] === null)) return bailOut()
    return write(fieldsFor(variables), input, { context: input.context, variables })
  }
}

function compiles(work: () => unknown): boolean {
  try {
    work()
    return true
  } catch {
    return false
  }
}

function writeInParallel(
  fields: readonly CompiledField[],
  { root }: ExecutionInput,
  run: Execution,
): JsonText {
  return writeFields(fields, root, run)
}

/** Executes the root fields of a mutation one after the other. https://spec.graphql.org/October2021/#sec-Mutation */
async function writeSerially(
  fields: readonly CompiledField[],
  { root, outcomes, isTimedOut }: ExecutionInput,
  run: Execution,
): Promise<string> {
  // No fields are left if `@skip` excludes all of them.
  let text = fields.length === 0 ? '{' : ''
  for (const { key, head, resolve, write } of fields) {
    if (text !== '' && isTimedOut?.() === true) return bailOut()
    const result = await resultOf(() => resolve(root, run))
    outcomes?.set(key, result)
    if ('error' in result) return bailOut()
    text += head + (await writeResolved(result.value, write, run))
  }
  return `${text}}`
}

async function resultOf(work: () => unknown): Promise<FieldResult> {
  try {
    return { value: await work() }
  } catch (error) {
    return { error }
  }
}

function fragmentsOf(document: DocumentNode): ReadonlyMap<string, FragmentDefinitionNode> {
  return new Map(
    document.definitions.flatMap((definition) =>
      definition.kind === Kind.FRAGMENT_DEFINITION ? [[definition.name.value, definition]] : [],
    ),
  )
}

/** Returns the names of the variables that `@skip` and `@include` use. */
function conditionsIn(document: DocumentNode): readonly string[] {
  const names = new Set<string>()
  visit(document, {
    Directive({ name, arguments: nodes = [] }) {
      if (name.value !== 'skip' && name.value !== 'include') return
      for (const { value } of nodes) if (value.kind === Kind.VARIABLE) names.add(value.name.value)
    },
  })
  return [...names]
}
