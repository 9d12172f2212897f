/** Error responses for failures of the gateway itself: 500 and 503. */
import { StoreUnavailable } from '../../uploads/ports/store-unavailable.ts'
import type { Logger } from '../../shared/logger.ts'

/** No acknowledged change is lost, and a retry may succeed. */
export const DATABASE_UNAVAILABLE_MESSAGE = "The gateway's database is unavailable. Retry."

/** A plain-text response. */
export interface ErrorResponse {
  readonly status: 500 | 503
  readonly message: string
  readonly headers: Readonly<Record<string, string>>
}

/** Logs the error and returns its response: 503 if the database is unavailable, else 500. */
export function errorResponseFor(log: Logger, error: unknown, requestId: string): ErrorResponse {
  if (error instanceof StoreUnavailable) {
    log.warn({ requestId, err: error }, 'database unavailable')
    const headers = { 'retry-after': String(error.retryAfterSeconds) }
    return { status: 503, message: DATABASE_UNAVAILABLE_MESSAGE, headers }
  }
  return { status: 500, message: logUnexpectedError(log, error, requestId), headers: {} }
}

/** Logs the error; returns a message for the caller that contains only the request id. */
export function logUnexpectedError(log: Logger, error: unknown, requestId: string): string {
  log.error({ requestId, err: error }, 'unexpected error')
  return `Unexpected error. Report this request id: ${requestId}`
}
