/** Fallback executor: graphql-js with Yoga's plugins, for cases that compiled code does not implement. */
import { type DocumentNode, type GraphQLSchema, execute } from 'graphql'
import { processRegularResult } from 'graphql-yoga'
import type { GraphQLContext } from '../../../graphql/context.ts'
import type { Logger } from '../../../shared/logger.ts'
import type { Viewer } from '../../../uploads/viewer.ts'
import type { ConcurrencyLimit } from '../plugins/concurrency-limit.ts'
import { maskResult } from '../plugins/error-masking.ts'
import type { EnvelopedFunctions, Yoga } from '../yoga.ts'
import type { ExecutedDocuments } from '../plugins/document-cache.ts'
import type { GraphQLParams } from './graphql-params.ts'
import { type RecordedMutation, recordForReplay, createReplaySchema } from './mutation-replay.ts'
import type { CompiledOperation } from './operation-cache.ts'

/** A response as Yoga would create it. */
export interface FallbackResponse {
  readonly status: number
  readonly text: string
}

/** Input of one execution; see `ExecutionInput` in compile/compile-operation.ts. */
interface FallbackInput {
  /** With the request id, if any, which masked errors contain. */
  readonly context: GraphQLContext & { readonly requestId?: string }
  readonly variables: GraphQLParams['variables']
  readonly root?: unknown
  /** Recorded results of a mutation, which are replayed. */
  readonly done?: RecordedMutation
}

export interface FallbackExecutor {
  readonly schema: GraphQLSchema
  /** Returns the parsed document of this text. Null if it was never executed, or was evicted. */
  executedDocument(query: string): DocumentNode | null
  /** Executes the operation; fields recorded in `done` are replayed. */
  execute(
    operation: CompiledOperation,
    viewer: Viewer,
    input: FallbackInput,
    mediaType: string,
  ): Promise<FallbackResponse>
  /** Executes the selection set for one event of a subscription; errors are masked. */
  executeEvent(operation: CompiledOperation, input: FallbackInput): Promise<SerializedResult>
}

/** Objects that the executor shares with Yoga. */
export interface FallbackExecutorOptions {
  readonly documents: ExecutedDocuments
  readonly concurrencyLimit: Pick<ConcurrencyLimit, 'exempt'>
  readonly log: Logger
}

export function createFallbackExecutor(
  yoga: Yoga,
  schema: GraphQLSchema,
  { documents, concurrencyLimit, log }: FallbackExecutorOptions,
): FallbackExecutor {
  const replay = createReplaySchema(schema)

  return {
    schema,
    executedDocument: (query) => documents.getExecuted(query),
    async execute(operation, viewer, { context, variables, root, done }, mediaType) {
      // The fast path has already counted this operation.
      concurrencyLimit.exempt(context)
      const enveloped: EnvelopedFunctions = yoga.getEnveloped({ viewer })
      if (done !== undefined) recordForReplay(context, done)
      const result = await enveloped.execute({
        schema: done === undefined ? schema : replay,
        document: operation.document,
        operationName: operation.operationName,
        variableValues: variables,
        contextValue: context,
        rootValue: root,
      })
      const response = processRegularResult(result, yoga.fetchAPI, mediaType.replace(/;.*/, ''))
      return { status: response.status, text: await response.text() }
    },
    async executeEvent(operation, { context, variables, root }) {
      // Not Yoga's `execute`, which would subscribe to the source event stream again.
      const result = await execute({
        schema,
        document: operation.document,
        operationName: operation.operationName,
        variableValues: variables,
        contextValue: context,
        rootValue: root,
      })
      const hasErrors = result.errors !== undefined
      return { text: JSON.stringify(maskResult(log, result)), hasErrors }
    },
  }
}

/** Serialized result of one event. */
export interface SerializedResult {
  /** The result as JSON. */
  readonly text: string
  /** Whether the result has GraphQL errors. */
  readonly hasErrors: boolean
}
