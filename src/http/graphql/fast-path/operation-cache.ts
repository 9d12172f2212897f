/**
 * How to carry out what was carried out before: a plan is made of an operation once Yoga has answered
 * it twice with 200, and serves that very document from then on.
 */
import {
  type DocumentNode,
  type GraphQLSchema,
  Kind,
  type OperationDefinitionNode,
  OperationTypeNode,
  getOperationAST,
} from 'graphql'
import type { OperationMeter, Telemetry } from '../../../uploads/ports/telemetry.ts'
import { variableNames } from '../plugins/declared-variables.ts'
import { createDocumentCache } from '../plugins/document-cache.ts'
import type { Asked } from './graphql-params.ts'
import { type CarryOut, compileOperation } from './compile/compile-operation.ts'
import { type FieldBudget, createFieldBudgets } from './compile/field-budget.ts'

export interface Plan {
  readonly kind: OperationTypeNode
  readonly document: DocumentNode
  readonly operationName: string | null
  /** Of the variables that the operation declares. */
  readonly variableNames: readonly string[]
  readonly carryOut: CarryOut
  readonly meter: OperationMeter
  /** What Yoga answered with, by what the client accepts. */
  readonly types: Map<string, string>
  /** Whether a subscription begins with the present state. */
  readonly presentFirst: boolean
}

/** Two ways to accept an answer are common; clients that vary it do so on purpose. */
const MOST_TYPES = 8
const LONGEST_ACCEPT = 256
const STREAM = /^text\/event-stream(?:;|$)/
const JSON_TYPE = /^application\/(?:graphql-response\+)?json(?:;|$)/

export interface Plans {
  find(asked: Asked): Plan | null
  /**
   * Says that this was answered the long way, which carried this document out; null where it did not.
   * From the second time on there is a plan, where one can be made.
   */
  learn(asked: Asked, document: DocumentNode | null): void
  /** Says what Yoga answered with to whoever accepts this, where there is a plan. */
  learnType(asked: Asked, accept: string, mediaType: string): void
}

/** `unknown` was seen once; `none` cannot be planned. */
type Entry = Plan | 'unknown' | 'none'

/** Operations of one document by their names; the only one of it by ''. */
type Operations = Map<string, Entry>
const MOST_OPERATIONS = 4

export function createPlans(schema: GraphQLSchema, telemetry: Pick<Telemetry, 'operation'>): Plans {
  let documents = createDocumentCache<Operations>()
  const budgets = createFieldBudgets()

  function find({ query, operationName }: Asked): Plan | null {
    const entry = documents.get(query)?.get(operationName ?? '')
    return typeof entry === 'object' ? entry : null
  }

  return {
    find,
    learn({ query, operationName }, document) {
      if (document === null) return
      if (budgets.isSpent()) {
        documents = createDocumentCache<Operations>()
        budgets.renew()
      }
      const operations: Operations = documents.get(query) ?? new Map()
      documents.set(query, operations)
      const name = operationName ?? ''
      const known = operations.get(name)
      if (known === 'unknown') {
        operations.set(name, planOf(schema, telemetry, document, operationName, budgets.ofOne()))
      } else if (known === undefined && operations.size < MOST_OPERATIONS) {
        operations.set(name, 'unknown')
      }
    },
    learnType(asked, accept, mediaType) {
      const plan = find(asked)
      if (plan === null || accept.length > LONGEST_ACCEPT) return
      // Of other types, such as `multipart/mixed`, an answer is no JSON text.
      const fits = plan.kind === OperationTypeNode.SUBSCRIPTION ? STREAM : JSON_TYPE
      if (fits.test(mediaType) && plan.types.size < MOST_TYPES) plan.types.set(accept, mediaType)
    },
  }
}

function planOf(
  schema: GraphQLSchema,
  telemetry: Pick<Telemetry, 'operation'>,
  document: DocumentNode,
  operationName: string | null,
  budget: FieldBudget,
): Plan | 'none' {
  const operation = getOperationAST(document, operationName)
  const carryOut = compileOperation(schema, document, operationName, budget)
  if (!operation || carryOut === null) return 'none'
  const { operation: kind, name } = operation
  return {
    kind,
    meter: telemetry.operation(kind, name?.value ?? null),
    document,
    operationName,
    variableNames: variableNames(operation),
    carryOut,
    types: new Map(),
    presentFirst: beginsWithPresent(schema, operation),
  }
}

/** Said by the field itself, in its extensions. */
function beginsWithPresent(
  schema: GraphQLSchema,
  { operation, selectionSet }: OperationDefinitionNode,
): boolean {
  if (operation !== OperationTypeNode.SUBSCRIPTION) return false
  const [field] = selectionSet.selections
  if (field?.kind !== Kind.FIELD) return false
  const { extensions } = schema.getSubscriptionType()?.getFields()[field.name.value] ?? {}
  return extensions?.['presentFirst'] === true
}
