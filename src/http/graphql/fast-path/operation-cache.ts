/**
 * LRU cache of compiled operations by document text. An operation is compiled when Yoga has executed it
 * twice successfully, and is used for exactly that text.
 */
import {
  type DocumentNode,
  type GraphQLSchema,
  Kind,
  type OperationDefinitionNode,
  OperationTypeNode,
  getOperationAST,
} from 'graphql'
import { LRUCache } from 'lru-cache'
import type { Telemetry } from '../../../uploads/ports/telemetry.ts'
import { variableNames } from '../plugins/declared-variables.ts'
import { createDocumentCache } from '../plugins/document-cache.ts'
import { type NamedOperation, describeOperation } from '../plugins/operation-telemetry.ts'
import type { GraphQLParams } from './graphql-params.ts'
import { type ExecuteOperation, compileOperation } from './compile/compile-operation.ts'
import { type FieldBudget, createFieldBudgets } from './compile/field-budget.ts'

export interface CompiledOperation extends NamedOperation {
  readonly document: DocumentNode
  readonly operationName: string | null
  /** Names of the variables that the operation declares. */
  readonly variableNames: readonly string[]
  readonly execute: ExecuteOperation
  /** Whether the first event of a subscription is the current state. */
  readonly startsWithCurrentState: boolean
}

/** Maximum number of cached Accept headers. A handful are common; the least recently used is evicted. */
const MAX_MEDIA_TYPES = 256
const MAX_ACCEPT_CHARACTERS = 256
const STREAM = /^text\/event-stream(?:;|$)/
const JSON_TYPE = /^application\/(?:graphql-response\+)?json(?:;|$)/

export interface OperationCache {
  /** Null if the operation is not compiled. */
  find(params: GraphQLParams): CompiledOperation | null
  /**
   * Records that the fallback executed this document; null means it was not executed. The second call
   * compiles the operation, if possible.
   */
  recordExecution(params: GraphQLParams, document: DocumentNode | null): void
  /** The media type of Yoga's responses to this Accept header; null if it is not known. */
  mediaType(kind: OperationTypeNode, accept: string): string | null
  /** Records the media type of Yoga's response to this Accept header; ignored if nothing is compiled. */
  recordMediaType(params: GraphQLParams, accept: string, mediaType: string): void
}

/** `unknown` was executed once; `none` cannot be compiled. */
type Entry = CompiledOperation | 'unknown' | 'none'

/** Operations of one document by name; the key is '' if the request has no operation name. */
type Operations = Map<string, Entry>
const MAX_OPERATIONS_PER_DOCUMENT = 4

export function createOperationCache(
  schema: GraphQLSchema,
  telemetry: Pick<Telemetry, 'operationMeter'>,
): OperationCache {
  let documents = createDocumentCache<Operations>()
  const budgets = createFieldBudgets()
  // Yoga chooses the media type by the Accept header, and whether the response is a stream of events.
  const mediaTypes = new LRUCache<string, string>({ max: MAX_MEDIA_TYPES })
  const eventMediaTypes = new LRUCache<string, string>({ max: MAX_MEDIA_TYPES })

  function mediaTypesOf(kind: OperationTypeNode): LRUCache<string, string> {
    return kind === OperationTypeNode.SUBSCRIPTION ? eventMediaTypes : mediaTypes
  }

  function find({ query, operationName }: GraphQLParams): CompiledOperation | null {
    const entry = documents.get(query)?.get(operationName ?? '')
    return typeof entry === 'object' ? entry : null
  }

  return {
    find,
    recordExecution({ query, operationName }, document) {
      if (document === null) return
      if (budgets.isExhausted()) {
        documents = createDocumentCache<Operations>()
        budgets.reset()
      }
      const operations: Operations = documents.get(query) ?? new Map()
      documents.set(query, operations)
      const name = operationName ?? ''
      const known = operations.get(name)
      if (known === 'unknown') {
        operations.set(
          name,
          compile(schema, telemetry, document, operationName, budgets.forOperation()),
        )
      } else if (known === undefined && operations.size < MAX_OPERATIONS_PER_DOCUMENT) {
        operations.set(name, 'unknown')
      }
    },
    mediaType: (kind, accept) => mediaTypesOf(kind).get(accept) ?? null,
    recordMediaType(params, accept, mediaType) {
      const operation = find(params)
      if (operation === null || accept.length > MAX_ACCEPT_CHARACTERS) return
      // Responses of other types, such as `multipart/mixed`, are not plain JSON.
      const pattern = operation.kind === OperationTypeNode.SUBSCRIPTION ? STREAM : JSON_TYPE
      if (pattern.test(mediaType)) mediaTypesOf(operation.kind).set(accept, mediaType)
    },
  }
}

function compile(
  schema: GraphQLSchema,
  telemetry: Pick<Telemetry, 'operationMeter'>,
  document: DocumentNode,
  operationName: string | null,
  budget: FieldBudget,
): CompiledOperation | 'none' {
  const operation = getOperationAST(document, operationName)
  const execute = compileOperation(schema, document, operationName, budget)
  if (!operation || execute === null) return 'none'
  const extensions = subscriptionExtensions(schema, operation)
  if (extensions?.['isShareable'] === false) return 'none'
  return {
    ...describeOperation(telemetry, document, operation),
    document,
    operationName,
    variableNames: variableNames(operation),
    execute,
    startsWithCurrentState: extensions?.['startsWithCurrentState'] === true,
  }
}

/** Returns the extensions of the subscription field; null if there is none. */
function subscriptionExtensions(
  schema: GraphQLSchema,
  { operation, selectionSet }: OperationDefinitionNode,
): Readonly<Record<string, unknown>> | null {
  if (operation !== OperationTypeNode.SUBSCRIPTION) return null
  const [field] = selectionSet.selections
  // A field in a fragment is not looked up, so it may be one that cannot be shared.
  if (field?.kind !== Kind.FIELD) return { isShareable: false }
  return schema.getSubscriptionType()?.getFields()[field.name.value]?.extensions ?? null
}
