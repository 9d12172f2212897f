/** Executes a compiled query or mutation and returns its response. */
import { OperationTypeNode } from 'graphql'
import { type GraphQLContext, createContext } from '../../../graphql/context.ts'
import type { Dependencies } from '../../../uploads/dependencies.ts'
import type { Viewer } from '../../../uploads/viewer.ts'
import type { ConcurrencyLimit } from '../plugins/concurrency-limit.ts'
import type { Deadlines } from '../../../shared/deadlines.ts'
import { GRAPHQL_PATH } from '../endpoint.ts'
import type { AccessLog } from '../../middleware/access-log.ts'
import type { RawResponse } from '../../response-headers.ts'
import { requestScoped } from '../../middleware/request-id.ts'
import { timeoutError } from '../plugins/operation-timeout.ts'
import type { GraphQLParams } from './graphql-params.ts'
import type { FallbackExecutor } from './fallback-executor.ts'
import type { FieldResults } from './mutation-replay.ts'
import type { CompiledOperation } from './operation-cache.ts'
import type { FastRequest } from './fast-request.ts'

/** Dependencies of the execution; the fallback shares the limits. */
export interface CompiledExecutionDependencies {
  readonly dependencies: Dependencies
  readonly accessLog: AccessLog
  readonly fallback: FallbackExecutor
  readonly concurrencyLimit: ConcurrencyLimit
  readonly deadlines: Deadlines
}

/** A compiled operation with its caller, variables and response format. */
export interface CompiledRequest {
  readonly operation: CompiledOperation
  readonly viewer: Viewer
  readonly variables: GraphQLParams['variables']
  readonly mediaType: string
  readonly headers: readonly string[]
  readonly request: FastRequest
}

const NO_RESULTS: FieldResults = new Map()
const TIMEOUT_RESULT = JSON.stringify({ data: null, errors: [timeoutError()] })

/**
 * Executes a query or a mutation. Returns null, or resolves to null, if the fallback must respond; no
 * mutation field was executed then.
 */
export function executeCompiled(
  fastPath: CompiledExecutionDependencies,
  request: CompiledRequest,
): RawResponse | Promise<RawResponse | null> | null {
  const { operation, viewer, request: post } = request
  if (!fastPath.concurrencyLimit.hasCapacity(viewer.subject)) return null
  const isMutation = operation.kind === OperationTypeNode.MUTATION
  // Queries log so rarely that a request-scoped logger is not worth its cost.
  const dependencies = isMutation
    ? requestScoped(fastPath.dependencies, post.requestId)
    : fastPath.dependencies
  const context = createContext(dependencies, viewer)
  const progress: Progress = { results: isMutation ? new Map() : NO_RESULTS, isTimedOut: false }
  try {
    const data = operation.execute({
      context,
      variables: request.variables,
      outcomes: progress.results,
      isTimedOut: () => progress.isTimedOut,
    })
    // Synchronous results need neither the concurrency limit nor a deadline.
    return typeof data === 'string'
      ? successResponse(fastPath, request, data)
      : respondWhenReady(fastPath, request, { dependencies, data, progress, context })
  } catch {
    context.pages.end()
    return null
  }
}

/** Progress of one execution. */
interface Progress {
  readonly results: FieldResults
  /** Whether the deadline was exceeded and the timeout response was sent. */
  isTimedOut: boolean
}

/** An asynchronous execution. */
interface AsyncExecution {
  readonly dependencies: Dependencies
  readonly data: Promise<string>
  readonly progress: Progress
  readonly context: GraphQLContext
}

function respondWhenReady(
  fastPath: CompiledExecutionDependencies,
  request: CompiledRequest,
  { dependencies, data, progress, context }: AsyncExecution,
): Promise<RawResponse | null> {
  const { operation, viewer, variables, headers } = request
  const release = fastPath.concurrencyLimit.acquire(viewer.subject)
  return new Promise((resolve, reject) => {
    const end = fastPath.deadlines.start(() => {
      progress.isTimedOut = true
      respond(
        recordResponse(fastPath, request, { status: 200, headers, text: TIMEOUT_RESULT }, 'errors'),
      )
    })
    function respond(response: RawResponse | null): void {
      end()
      context.pages.end()
      release?.()
      resolve(response)
    }
    data.then(
      (text) => progress.isTimedOut || respond(successResponse(fastPath, request, text)),
      () => {
        if (progress.isTimedOut) return
        if (operation.kind !== OperationTypeNode.MUTATION) {
          respond(null)
          return
        }
        // The fallback replays the recorded results instead of executing the fields again.
        const done = { outcomes: progress.results, isTimedOut: () => progress.isTimedOut }
        const replayContext = {
          ...createContext(dependencies, viewer),
          requestId: request.request.requestId,
        }
        fastPath.fallback
          .execute(
            operation,
            viewer,
            { context: replayContext, variables, done },
            request.mediaType,
          )
          .then(
            (response) =>
              progress.isTimedOut ||
              respond(recordResponse(fastPath, request, { ...response, headers })),
            (error: unknown) => {
              end()
              release?.()
              reject(error)
            },
          )
      },
    )
  })
}

function successResponse(
  fastPath: CompiledExecutionDependencies,
  request: CompiledRequest,
  text: string,
): RawResponse {
  const response = { status: 200, headers: request.headers, text: `{"data":${text}}` }
  return recordResponse(fastPath, request, response, 'ok')
}

/** Logs the response, and measures the operation unless the fallback has measured it (no `outcome`). */
function recordResponse(
  fastPath: CompiledExecutionDependencies,
  { operation, request }: CompiledRequest,
  response: RawResponse,
  outcome?: 'ok' | 'errors',
): RawResponse {
  if (outcome !== undefined)
    operation.meter.done((performance.now() - request.startedAt) / 1000, outcome)
  logResponse(fastPath, request, response.status)
  return response
}

/** Writes the access log entry that the router writes for fallback requests. */
export function logResponse(
  { accessLog }: CompiledExecutionDependencies,
  { requestId, startedAt, client }: FastRequest,
  status: number,
) {
  accessLog({ path: GRAPHQL_PATH, method: 'POST', status, requestId, startedAt, client })
}
