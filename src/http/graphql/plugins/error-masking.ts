/** Hides unexpected errors from clients. */
import { type ExecutionResult, GraphQLError } from 'graphql'
import { handleStreamOrSingleExecutionResult, maskError as yogaMask } from 'graphql-yoga'
import { StoreUnavailable } from '../../../uploads/ports/store-unavailable.ts'
import type { Logger } from '../../../shared/logger.ts'
import { DATABASE_UNAVAILABLE_MESSAGE } from '../../middleware/error-response.ts'
import type { GatewayPlugin } from './plugin.ts'

/**
 * Returns errors that are meant for the client unchanged. Logs any other error and returns one with only
 * the request id, or a random id if there is none.
 */
export function maskError(
  log: Logger,
  error: unknown,
  message: string,
  requestId: string = crypto.randomUUID(),
): GraphQLError {
  const masked = yogaMask(error, message, false)
  if (masked === error && masked instanceof GraphQLError) return masked
  // Logs the original error: the GraphQLError around it holds the client's document.
  const cause = error instanceof GraphQLError ? (error.originalError ?? error.message) : error
  const { nodes, path } =
    error instanceof GraphQLError ? error : { nodes: undefined, path: undefined }
  const location = {
    ...(nodes === undefined ? {} : { nodes }),
    ...(path === undefined ? {} : { path }),
  }
  if (cause instanceof StoreUnavailable) {
    log.warn({ requestId, err: cause }, 'database unavailable')
    const { retryAfterSeconds } = cause
    return new GraphQLError(DATABASE_UNAVAILABLE_MESSAGE, {
      ...location,
      extensions: { code: 'SERVICE_UNAVAILABLE', retryAfterSeconds, requestId },
    })
  }
  log.error({ requestId, err: cause }, 'unexpected error')
  return new GraphQLError(`Unexpected error. Report this request id: ${requestId}`, {
    ...location,
    extensions: { code: 'INTERNAL_SERVER_ERROR', requestId },
  })
}

/** Message that Yoga's masking uses for an unexpected error; `maskError` replaces it. */
const MESSAGE = 'Unexpected error.'

/** Returns the result with each unexpected error masked. An error that several fields share is listed once. */
export function maskResult(
  log: Logger,
  result: ExecutionResult,
  requestId?: string,
): ExecutionResult {
  if (result.errors === undefined) return result
  const distinct = [...new Set(result.errors)]
  const errors = distinct.map((error) => maskError(log, error, MESSAGE, requestId))
  return { ...result, errors }
}

interface Payload {
  readonly result: ExecutionResult
  readonly setResult: (result: ExecutionResult) => void
}

/** Masks errors of operations, with their request id. Yoga masks errors outside of operations. */
export function errorMaskingPlugin(log: Logger): GatewayPlugin {
  function masked(requestId: string | undefined) {
    return ({ result, setResult }: Payload): void => {
      setResult(maskResult(log, result, requestId))
    }
  }
  return {
    onExecute: ({ args }) => ({
      onExecuteDone: (payload) =>
        handleStreamOrSingleExecutionResult(payload, masked(args.contextValue.requestId)),
    }),
    onSubscribe: ({ args }) => ({
      onSubscribeResult: (payload) =>
        handleStreamOrSingleExecutionResult(payload, masked(args.contextValue.requestId)),
    }),
  }
}
