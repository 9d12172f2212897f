/** Creates GraphQL Yoga with the gateway's schema, context and plugins; its own HTTP features are off. */
import {
  type DocumentNode,
  type ExecutionArgs,
  type ExecutionResult,
  type GraphQLError,
  type GraphQLSchema,
  subscribe,
} from 'graphql'
import { createYoga } from 'graphql-yoga'
import {
  type GraphQLContext,
  type SubscriptionState,
  createContext,
} from '../../graphql/context.ts'
import type { Dependencies } from '../../uploads/dependencies.ts'
import type { Viewer } from '../../uploads/viewer.ts'
import type { ConcurrencyLimit } from './plugins/concurrency-limit.ts'
import type { Deadlines } from '../../shared/deadlines.ts'
import { createDocumentCache, type ExecutedDocuments } from './plugins/document-cache.ts'
import { GRAPHQL_PATH } from './endpoint.ts'
import { contentNegotiationPlugin } from './plugins/accept.ts'
import { disableIntrospectionPlugin } from './plugins/disable-introspection.ts'
import { errorMaskingPlugin, maskError } from './plugins/error-masking.ts'
import { requestErrorCodesPlugin } from './plugins/request-error-codes.ts'
import { operationLimitsPlugin, parserLimitsPlugin } from './plugins/document-limits.ts'
import { createOperationTelemetry } from './plugins/operation-telemetry.ts'
import { type FindDocument, createPersistedQueriesPlugin } from './plugins/persisted-queries.ts'
import type { GatewayPlugin } from './plugins/plugin.ts'
import { useReleasedRequest } from './plugins/release-request.ts'
import type { SubscriptionDocuments } from './plugins/subscription-documents.ts'
import { variableErrorsPlugin } from './plugins/variable-errors.ts'
import type { Accept } from '../header-lists.ts'
import { requestScoped } from '../middleware/request-id.ts'
import { createOperationTimeout } from './plugins/operation-timeout.ts'

export type Yoga = ReturnType<typeof createGatewayYoga>

export interface YogaOptions {
  readonly schema: GraphQLSchema
  readonly introspection: boolean
  readonly concurrencyLimit: ConcurrencyLimit
  readonly deadlines: Deadlines
  readonly documents: ExecutedDocuments
  readonly findDocument: FindDocument
  readonly subscriptionDocuments: SubscriptionDocuments
}

/** Replaces the `subscribe` of Yoga's executor, which keeps the result of each event until the next is executed. */
const subscribePlugin: GatewayPlugin = {
  onSubscribe: ({ setSubscribeFn }) => setSubscribeFn(subscribe),
}

export function createGatewayYoga(dependencies: Dependencies, options: YogaOptions) {
  const plugins: GatewayPlugin[] = [
    subscribePlugin,
    createPersistedQueriesPlugin(options.findDocument),
    contentNegotiationPlugin,
    parserLimitsPlugin,
    operationLimitsPlugin,
    requestErrorCodesPlugin,
    variableErrorsPlugin,
    options.documents.plugin,
    options.concurrencyLimit.plugin,
    options.subscriptionDocuments.plugin,
    createOperationTimeout(options.deadlines),
  ]
  if (!options.introspection) plugins.push(disableIntrospectionPlugin)
  plugins.push(
    errorMaskingPlugin(dependencies.log),
    createOperationTelemetry(dependencies.telemetry),
    useReleasedRequest,
  )
  return createYoga<
    {
      viewer: Viewer
      requestId?: string | undefined
      /** Parsed before Yoga; parsed again if missing. */
      accept?: Accept | undefined
      subscription?: SubscriptionState | undefined
    },
    Omit<GraphQLContext, 'viewer' | 'subscription'>
  >({
    schema: options.schema,
    graphqlEndpoint: GRAPHQL_PATH,
    landingPage: false,
    // Handled before Yoga, with an exact list of origins.
    cors: false,
    // Clients upload files to Stream, never through GraphQL.
    multipart: false,
    // Limited before Yoga, at half the cost.
    maxRequestBodySize: false,
    // Served by the GraphQL handler, without authentication.
    graphiql: false,
    logging: false,
    maskedErrors: { maskError: (error, message) => maskError(dependencies.log, error, message) },
    context: ({ viewer, requestId }) =>
      createContext(requestScoped(dependencies, requestId), viewer),
    parserAndValidationCache: {
      documentCache: options.documents.cache,
      errorCache: createDocumentCache<Error>(),
    },
    plugins,
  })
}

/** The functions of `yoga.getEnveloped` that the gateway uses; Yoga does not type them. */
export interface EnvelopedFunctions {
  readonly schema: GraphQLSchema
  readonly parse: (source: string) => DocumentNode
  readonly validate: (schema: GraphQLSchema, document: DocumentNode) => readonly GraphQLError[]
  readonly contextFactory: () => unknown
  readonly execute: (args: ExecutionArgs) => ExecutionResult | Promise<ExecutionResult>
  readonly subscribe: (
    args: ExecutionArgs,
  ) => Promise<AsyncIterable<ExecutionResult> | ExecutionResult>
}
