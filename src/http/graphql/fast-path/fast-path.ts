/**
 * Executes repeated operations as compiled code, with the media type of Yoga's earlier responses. All
 * other requests take the fallback, Yoga. Both share the same limits.
 */
import { type GraphQLSchema, OperationTypeNode } from 'graphql'
import type { SubscriptionTransport } from '../../../uploads/ports/telemetry.ts'
import type { Viewer } from '../../../uploads/viewer.ts'
import { pickVariables } from '../plugins/declared-variables.ts'
import type { Authenticator } from '../../auth/authenticator.ts'
import { type GraphQLParams, graphQLParamsFrom, parseGraphQLParams } from './graphql-params.ts'
import { createSubscriptionFanOut, type SubscriptionFanOut } from './subscriptions/fan-out.ts'
import type { Subscriber } from './subscriptions/subscriber.ts'
import {
  type CompiledExecutionDependencies,
  type CompiledRequest,
  executeCompiled,
  logResponse,
} from './execute-compiled.ts'
import {
  createFastPathHeaders,
  type AccessRules,
  type FastPathHeaders,
} from './response-headers.ts'
import {
  type CompiledOperation,
  createOperationCache,
  type OperationCache,
} from './operation-cache.ts'
import type { FastRequest } from './fast-request.ts'
import type { Dependencies } from '../../../uploads/dependencies.ts'
import type { TokenExpiry } from '../../auth/token-expiry.ts'
import type { AccessLog } from '../../middleware/access-log.ts'
import type { RawResponse, ResponseHeaders } from '../../response-headers.ts'
import type { ConcurrencyLimit } from '../plugins/concurrency-limit.ts'
import type { Deadlines } from '../../../shared/deadlines.ts'
import type { ExecutedDocuments } from '../plugins/document-cache.ts'
import type { SubscriptionDocuments } from '../plugins/subscription-documents.ts'
import type { TrustedDocuments } from '../plugins/trusted-documents.ts'
import type { Yoga } from '../yoga.ts'
import { createFallbackExecutor } from './fallback-executor.ts'

/** Response to a subscription: the host writes the headers and joins a subscriber. */
export interface EventStreamResponse {
  readonly headers: readonly string[]
  /** Resolves to a function that ends the subscription, or to null if the fallback must respond. */
  readonly join: (subscriber: Subscriber) => Promise<(() => void) | null>
}

export interface FastPath {
  /** Null, or a promise of null, if the fallback must respond; no mutation field was executed then. */
  handle(post: FastRequest): RawResponse | EventStreamResponse | Promise<RawResponse | null> | null
  /**
   * Joins a WebSocket subscription. Null if it is not compiled; the fallback must execute it.
   * @param payload of the message `subscribe`
   */
  subscribe(viewer: Viewer, payload: unknown): EventStreamResponse['join'] | null
  /** Records that the fallback has started the WebSocket subscription with this payload. */
  recordSubscription(payload: unknown): void
  /** Records that the fallback responded to this request with status 200 and this media type. */
  recordFallback(post: FastRequest, mediaType: string): void
}

/** Dependencies of the fast path; the fallback shares the limits. */
export interface FastPathDependencies extends CompiledExecutionDependencies {
  readonly authenticator: Authenticator
  readonly operations: OperationCache
  readonly fanOut: SubscriptionFanOut
  readonly headers: FastPathHeaders
  /** Null to find documents by their text only. */
  readonly trustedDocuments: TrustedDocuments | null
}

export function createFastPathFrom(fastPath: FastPathDependencies): FastPath {
  const { authenticator, operations, fanOut, fallback, trustedDocuments } = fastPath
  const { telemetry } = fastPath.dependencies

  function watch(
    operation: CompiledOperation | null,
    viewer: Viewer,
    { variables }: GraphQLParams,
    transport: SubscriptionTransport,
  ): EventStreamResponse['join'] | null {
    if (operation?.kind !== OperationTypeNode.SUBSCRIPTION) return null
    // Only declared variables are kept; undeclared ones must not prevent sharing.
    const declared = pickVariables(operation.variableNames, variables)
    return (subscriber) => fanOut.subscribe(operation, viewer, declared, subscriber, transport)
  }

  return {
    handle(post) {
      const { authorization, accept, from, body } = post
      const viewer = authenticator.cached(authorization)
      if (viewer === null) return null
      const params = parseGraphQLParams(body, trustedDocuments)
      const operation = params === null ? null : operations.find(params)
      if (params === null || operation === null) return null
      const mediaType = operations.mediaType(operation.kind, accept ?? '')
      if (mediaType === null) return null
      const headers = fastPath.headers(from, mediaType)
      if (headers === null) return null
      const { variables } = params
      const join = watch(operation, viewer, params, 'sse')
      if (join !== null)
        return { headers, join: withCallback(join, () => logResponse(fastPath, post, 200)) }
      const request = { operation, viewer, variables, mediaType, headers, request: post }
      return telemetry.tracing ? inSpan(fastPath, request) : executeCompiled(fastPath, request)
    },

    subscribe(viewer, payload) {
      const params = graphQLParamsFrom(payload, trustedDocuments)
      return params === null ? null : watch(operations.find(params), viewer, params, 'websocket')
    },

    recordSubscription(payload) {
      const params = graphQLParamsFrom(payload, trustedDocuments)
      if (params === null) return
      operations.recordExecution(params, fallback.executedDocument(params.query))
    },

    recordFallback({ accept, body }, mediaType) {
      const params = parseGraphQLParams(body, trustedDocuments)
      if (params === null) return
      operations.recordExecution(params, fallback.executedDocument(params.query))
      operations.recordMediaType(params, accept ?? '', mediaType)
    },
  }
}

/** Calls `onJoined` if the subscriber has joined; otherwise the fallback responds and logs. */
function withCallback(
  join: EventStreamResponse['join'],
  onJoined: () => void,
): EventStreamResponse['join'] {
  return async (subscriber) => {
    const leave = await join(subscriber)
    if (leave !== null) onJoined()
    return leave
  }
}

/** Executes the operation inside a span. */
function inSpan(
  fastPath: FastPathDependencies,
  request: CompiledRequest,
): Promise<RawResponse | null> {
  const { name, attributes } = request.operation.span
  return fastPath.dependencies.telemetry.inSpan(name, 'server', attributes, async () =>
    executeCompiled(fastPath, request),
  )
}

/** Options of the fast path; the limits are shared with the fallback. */
export interface FastPathOptions extends AccessRules {
  readonly schema: GraphQLSchema
  readonly trustedDocuments: TrustedDocuments | null
  readonly responseHeaders: ResponseHeaders
  readonly accessLog: AccessLog
  readonly authenticator: Authenticator
  readonly tokenExpiry: TokenExpiry
  readonly concurrencyLimit: ConcurrencyLimit
  readonly deadlines: Deadlines
  readonly documents: ExecutedDocuments
  readonly subscriptionDocuments: SubscriptionDocuments
}

export function createFastPath(
  dependencies: Dependencies,
  yoga: Yoga,
  options: FastPathOptions,
): FastPath {
  const { schema, trustedDocuments } = options
  const fallback = createFallbackExecutor(yoga, schema, { ...options, log: dependencies.log })
  return createFastPathFrom({
    dependencies,
    accessLog: options.accessLog,
    authenticator: options.authenticator,
    concurrencyLimit: options.concurrencyLimit,
    deadlines: options.deadlines,
    operations: createOperationCache(schema, dependencies.telemetry),
    fanOut: createSubscriptionFanOut(
      dependencies,
      fallback,
      options.tokenExpiry,
      options.subscriptionDocuments,
    ),
    fallback,
    headers: createFastPathHeaders(options, options.responseHeaders),
    trustedDocuments,
  })
}
