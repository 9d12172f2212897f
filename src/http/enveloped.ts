/** GraphQL's own functions with Yoga's plugins around them, for operations that come by other ways. */
import type {
  DocumentNode,
  ExecutionArgs,
  ExecutionResult,
  GraphQLError,
  GraphQLSchema,
} from 'graphql'

export interface Enveloped {
  readonly schema: GraphQLSchema
  readonly parse: (source: string) => DocumentNode
  readonly validate: (schema: GraphQLSchema, document: DocumentNode) => readonly GraphQLError[]
  readonly contextFactory: () => unknown
  readonly execute: (args: ExecutionArgs) => ExecutionResult | Promise<ExecutionResult>
  readonly subscribe: (
    args: ExecutionArgs,
  ) => Promise<AsyncIterable<ExecutionResult> | ExecutionResult>
}
