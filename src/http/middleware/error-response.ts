/** What a caller is told where the gateway itself fails. */
import { StoreUnavailable } from '../../uploads/ports/store-unavailable.ts'
import type { Log } from '../../uploads/dependencies.ts'

/** Nothing was changed that anybody was promised: whoever tries again may succeed. */
export const DATABASE_AWAY = "The gateway's database does not answer: try again in a moment."

/** An answer in plain text. */
export interface Failure {
  readonly status: 500 | 503
  readonly sentence: string
  readonly headers: Readonly<Record<string, string>>
}

/** Logs it, and says what can be said of it. */
export function failureOf(log: Log, error: unknown, requestId: string): Failure {
  if (error instanceof StoreUnavailable) {
    log.warn({ requestId, err: error }, 'the database does not answer')
    const headers = { 'retry-after': String(error.retryAfterSeconds) }
    return { status: 503, sentence: DATABASE_AWAY, headers }
  }
  return { status: 500, sentence: apologise(log, error, requestId), headers: {} }
}

/** Logs what nobody expected; returns the sentence by which somebody can ask for it. */
export function apologise(log: Log, error: unknown, requestId: string): string {
  log.error({ requestId, err: error }, 'unexpected error')
  return `Unexpected error. Ask for it by this id: ${requestId}`
}
