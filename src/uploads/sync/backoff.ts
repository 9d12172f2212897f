import { StreamError } from '../ports/stream-error.ts'
import type { Dependencies } from '../dependencies.ts'

/** First and longest backoff after a failed request to Stream, in milliseconds. */
const MIN_BACKOFF_MS = 2000
const MAX_BACKOFF_MS = 60_000

/**
 * Runs work with Stream, unless an earlier failure's backoff is still running. The backoff doubles with each
 * failure in a row, or is Stream's Retry-After. Errors are logged and not thrown.
 */
export function createBackoff({
  clock,
  closing,
  log,
}: Pick<Dependencies, 'clock' | 'closing' | 'log'>) {
  let failures = 0
  /** On the scale of `clock.monotonicMs`. */
  let pausedUntil = -Infinity
  const isPaused = (): boolean => closing.aborted || clock.monotonicMs() < pausedUntil
  return {
    isPaused,
    /** Returns the work's count; null if the work was skipped or failed. */
    async attempt(work: () => Promise<number>): Promise<number | null> {
      if (isPaused()) return null
      try {
        const count = await work()
        failures = 0
        return count
      } catch (error) {
        const delayMs = Math.min(MAX_BACKOFF_MS, MIN_BACKOFF_MS * 2 ** failures)
        const retryAfterSeconds = error instanceof StreamError ? error.retryAfterSeconds : null
        const pauseMs = retryAfterSeconds === null ? delayMs : retryAfterSeconds * 1000
        failures += 1
        pausedUntil = clock.monotonicMs() + pauseMs
        if (error instanceof StreamError) {
          log.warn(
            { errorKind: error.kind, backoffMs: pauseMs },
            'request to Stream failed; sync paused',
          )
        } else {
          log.error({ err: error, backoffMs: pauseMs }, 'sync failed; retrying')
        }
        return null
      }
    },
  }
}
