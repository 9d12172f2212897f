/** Compiles one operation of a validated document; what it comes to is JSON text. */
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
  type Run,
  compileFields,
  writeFields,
  writeResolved,
} from './compile-selection-set.ts'
import type { FieldBudget } from './field-budget.ts'
import { giveUp } from './bail-out.ts'
import type { Outcome, Outcomes } from '../mutation-replay.ts'
import { variableReader } from './variable-values.ts'
import type { Text } from './json-text.ts'

type Values = Readonly<Record<string, unknown>>

/** What an operation is carried out with. */
export interface Given {
  readonly context: unknown
  /** As the client sent them. */
  readonly variables: Values
  /** What the root fields stand on: nothing, or the event of a subscription. */
  readonly root?: unknown
  /** Where a mutation writes down what it did, for when its answer is not a regular one. */
  readonly outcomes?: Outcomes
  /** Asked before each field of a mutation but the first: once it is true nothing new is begun. */
  readonly isLate?: () => boolean
}

/** JSON of the operation's `data`. Throws or rejects where the case is not a regular one. */
export type CarryOut = (given: Given) => Text

/** Variants by the values that `@skip` and `@include` see: nobody has as many, and no more are kept. */
const MOST_VARIANTS = 8

/** Null where the document has no such operation, or one that asks for what is not compiled. */
export function compileOperation(
  schema: GraphQLSchema,
  document: DocumentNode,
  operationName: string | null,
  budget: FieldBudget,
): CarryOut | null {
  const operation = getOperationAST(document, operationName)
  const type = operation && schema.getRootType(operation.operation)
  if (!operation || !type) return null
  const { selectionSet, variableDefinitions = [] } = operation
  // graphql-js keeps variables in a plain object, and never finds this one there.
  if (variableDefinitions.some(({ variable }) => variable.name.value === '__proto__')) return null
  const fragments = fragmentsOf(document)
  const named = Object.fromEntries(fragments)
  const conditions = conditionsIn(document)
  const read = variableReader(schema, variableDefinitions)
  const variants = new Map<string, readonly CompiledField[]>()

  function fieldsFor(values: Values): readonly CompiledField[] {
    // A variable that has a default may be null where no null may be: that is an error.
    if (conditions.some((name) => values[name] === null)) return giveUp()
    const variant =
      conditions.length === 0 ? '' : conditions.map((name) => String(values[name])).join()
    const known = variants.get(variant)
    if (known !== undefined) return known
    if (variants.size >= MOST_VARIANTS || !operation || !type) return giveUp()
    const compiling = { schema, fragments, named, conditions: values, operation, budget }
    const fields = compileFields(compiling, type, [selectionSet])
    variants.set(variant, fields)
    return fields
  }

  // Where nothing depends on variables, it shows now whether it can be done.
  if (conditions.length === 0 && !canDo(() => fieldsFor({}))) return null

  const write = operation.operation === OperationTypeNode.MUTATION ? writeInTurn : writeTogether
  return (given) => {
    const variables = read(given.variables)
    return write(fieldsFor(variables), given, { context: given.context, variables })
  }
}

function canDo(work: () => unknown): boolean {
  try {
    work()
    return true
  } catch {
    return false
  }
}

function writeTogether(fields: readonly CompiledField[], { root }: Given, run: Run): Text {
  return writeFields(fields, root, run)
}

/** "Execute the top level fields serially": https://spec.graphql.org/October2021/#sec-Mutation */
async function writeInTurn(
  fields: readonly CompiledField[],
  { root, outcomes, isLate }: Given,
  run: Run,
): Promise<string> {
  // Where all of it is skipped, nothing is left.
  let text = fields.length === 0 ? '{' : ''
  for (const { key, head, resolve, write } of fields) {
    if (text !== '' && isLate?.() === true) return giveUp()
    const outcome = await outcomeOf(() => resolve(root, run))
    outcomes?.set(key, outcome)
    if ('error' in outcome) return giveUp()
    text += head + (await writeResolved(outcome.value, write, run))
  }
  return `${text}}`
}

async function outcomeOf(work: () => unknown): Promise<Outcome> {
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

/** Names of the variables on which it depends what is selected. */
function conditionsIn(document: DocumentNode): readonly string[] {
  const names = new Set<string>()
  visit(document, {
    Directive({ name, arguments: given = [] }) {
      if (name.value !== 'skip' && name.value !== 'include') return
      for (const { value } of given) if (value.kind === Kind.VARIABLE) names.add(value.name.value)
    },
  })
  return [...names]
}
