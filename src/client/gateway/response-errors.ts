/** Converts errors in responses of the gateway to UploadError. */
import { inputIssues } from './operations.ts'
import { isObject } from '../shape.ts'
import { type UploadError, uploadError } from '../upload-error.ts'

/**
 * Converts an error that a mutation returned as data. An unknown code, of a newer gateway, becomes
 * GATEWAY_FAILED with its message.
 * @param uid the requested upload, for errors that name it
 */
export function errorFromOutcome(outcome: unknown, uid: string): UploadError {
  if (!isObject(outcome) || typeof outcome['message'] !== 'string')
    return invalidResponse('the outcome')
  const { code, message, issues, retryable, retryAfterSeconds } = outcome
  switch (code) {
    case 'INVALID_INPUT':
      return uploadError(message, { code, issues: inputIssues.is(issues) ? issues : [] })
    case 'QUOTA_EXCEEDED':
      return uploadError(message, {
        code,
        requestedMinutes: numberOr(outcome['requestedMinutes'], 0),
        availableMinutes: numberOr(outcome['availableMinutes'], null),
      })
    case 'RATE_LIMITED':
      return uploadError(message, {
        code,
        retryAfterSeconds: numberOr(retryAfterSeconds, DEFAULT_RETRY_SECONDS),
      })
    case 'FORBIDDEN':
    case 'IDEMPOTENCY_CONFLICT':
    case 'UNAUTHENTICATED':
      return uploadError(message, { code })
    case 'STREAM_UNAVAILABLE':
    case 'STREAM_REJECTED':
      // An error of a query has no `retryable`.
      return uploadError(message, {
        code,
        retryable: retryable === undefined ? code === 'STREAM_UNAVAILABLE' : retryable === true,
      })
    case 'UPLOAD_NOT_FOUND':
      return uploadError(message, { code, uid })
    default:
      return gatewayError(message, TEMPORARY_CODES.has(String(code)))
  }
}

/** Converts the first entry of a response's `errors`; its code is in `extensions`. */
export function errorFromGraphQLErrors(errors: readonly unknown[], uid: string): UploadError {
  const [first] = errors
  if (!isObject(first)) return invalidResponse('the list of errors')
  const { message, extensions } = first
  // An error of a custom scalar is a GraphQL error, but means an invalid input.
  const [, path] = / at "input\.([^"]+)"; /.exec(String(message)) ?? []
  if (path !== undefined) {
    const issues = [{ path: path.split('.'), message: String(message) }]
    return uploadError(String(message), { code: 'INVALID_INPUT', issues })
  }
  return errorFromOutcome({ ...(isObject(extensions) ? extensions : {}), message }, uid)
}

/** A response that does not match the schema: a proxy's page, or a gateway of another version. */
export function invalidResponse(part: string): UploadError {
  return gatewayError(`Invalid response from the gateway: ${part} has an unexpected shape.`, false)
}

export function gatewayError(message: string, retryable: boolean): UploadError {
  return uploadError(message, { code: 'GATEWAY_FAILED', retryable })
}

/** Codes of the gateway's temporary failures. Each operation of the client can be repeated. */
const TEMPORARY_CODES: ReadonlySet<string> = new Set([
  'INTERNAL_SERVER_ERROR',
  'TIMEOUT',
  'UNAVAILABLE',
])

/** Wait in seconds if the error has no `retryAfterSeconds`, as in subscriptions. */
const DEFAULT_RETRY_SECONDS = 10

function numberOr<T>(value: unknown, otherwise: T): number | T {
  return typeof value === 'number' ? value : otherwise
}
