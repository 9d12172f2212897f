/** Turns what the gateway refuses into an UploadError. */
import { inputIssues } from './operations.ts'
import { isObject } from '../shape.ts'
import { type UploadError, uploadError } from '../upload-error.ts'

/**
 * The error that a mutation answered with as data. What a newer gateway may add, and this client has
 * never heard of, keeps its message.
 * @param uid which upload was asked for, for the errors that name it
 */
export function refusalFrom(answer: unknown, uid: string): UploadError {
  if (!isObject(answer) || typeof answer['message'] !== 'string') return unreadable('its outcome')
  const { code, message, issues, retryable, retryAfterSeconds } = answer
  switch (code) {
    case 'INVALID_INPUT':
      return uploadError(message, { code, issues: inputIssues.is(issues) ? issues : [] })
    case 'QUOTA_EXCEEDED':
      return uploadError(message, {
        code,
        requestedMinutes: numberOr(answer['requestedMinutes'], 0),
        availableMinutes: numberOr(answer['availableMinutes'], null),
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
      return uploadError(message, { code, retryable: retryable === true })
    case 'UPLOAD_NOT_FOUND':
      return uploadError(message, { code, uid })
    default:
      return gatewayFailed(message, code === 'INTERNAL_SERVER_ERROR' || code === 'UNAVAILABLE')
  }
}

/** The error of a GraphQL answer's `errors`; its code stands in `extensions`. */
export function errorsFrom(errors: readonly unknown[], uid: string): UploadError {
  const [first] = errors
  if (!isObject(first)) return unreadable('its errors')
  const { message, extensions } = first
  // What a scalar of the schema refuses is no outcome of the mutation, but a wrong input all the same.
  const [, path] = / at "input\.([^"]+)"; /.exec(String(message)) ?? []
  if (path !== undefined) {
    const issues = [{ path: path.split('.'), message: String(message) }]
    return uploadError(String(message), { code: 'INVALID_INPUT', issues })
  }
  return refusalFrom({ ...(isObject(extensions) ? extensions : {}), message }, uid)
}

/** An answer that is not what the contract says: a proxy's page, or a gateway of another version. */
export function unreadable(what: string): UploadError {
  return gatewayFailed(`The gateway's answer cannot be read: ${what} is not as expected.`, false)
}

export function gatewayFailed(message: string, retryable: boolean): UploadError {
  return uploadError(message, { code: 'GATEWAY_FAILED', retryable })
}

/** Seconds to wait where whoever limits does not say: subscriptions have no field for it. */
const DEFAULT_RETRY_SECONDS = 10

function numberOr<T>(value: unknown, otherwise: T): number | T {
  return typeof value === 'number' ? value : otherwise
}
