/** Circuit breaker for PostgreSQL: fails fast while the server is unreachable, and retries soon. */
import { StoreUnavailable } from '../uploads/ports/store-unavailable.ts'
import { classifyConnectionError, sanitizeError, writeFailureReason } from './errors.ts'

/** First and longest pause between failed attempts, in milliseconds. */
const FIRST_PAUSE_MS = 50
const LONGEST_PAUSE_MS = 1000

/** Executes database operations. */
export interface CircuitBreaker {
  /**
   * Rejects with `StoreUnavailable` if the database does not respond. During the pause after a failed
   * connection, it rejects without contacting the server. Other errors are rethrown without bound values.
   */
  <T>(work: () => Promise<T>): Promise<T>
}

/**
 * @param now monotonic clock in milliseconds
 * @param random returns a number from 0 to 1, so that gateways do not retry in step
 */
export function createCircuitBreaker(
  now: () => number = () => performance.now(),
  random: () => number = Math.random,
): CircuitBreaker {
  let failures = 0
  let pausedUntil = Number.NEGATIVE_INFINITY
  let lastError: unknown = null

  function recordFailure(error: unknown): void {
    const at = now()
    lastError = error
    // Concurrent failures count as one.
    if (at < pausedUntil) return
    const pause = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** failures)
    pausedUntil = at + pause * (0.5 + random() / 2)
    failures += 1
  }

  return async (work) => {
    if (now() < pausedUntil) throw new StoreUnavailable(lastError)
    try {
      const result = await work()
      failures = 0
      return result
    } catch (error) {
      const safeError = sanitizeError(error)
      const kind = classifyConnectionError(error)
      if (kind === null) throw safeError
      if (kind === 'unreachable') recordFailure(safeError)
      throw new StoreUnavailable(safeError, writeFailureReason(error))
    }
  }
}
