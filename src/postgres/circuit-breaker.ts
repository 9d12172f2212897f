/** Fails fast while the database is away, and finds out soon that it is back. */
import { StoreUnavailable } from '../uploads/ports/store-unavailable.ts'
import { lossOf } from './errors.ts'
import { withoutValues } from './without-values.ts'

/** First and longest pause between two attempts while none succeeds, in milliseconds. */
const FIRST_PAUSE_MS = 50
const LONGEST_PAUSE_MS = 1000

/** Does work with the database. */
export interface Reach {
  /**
   * Rejects with `StoreUnavailable` where the database does not answer: at once, without asking it,
   * during the pause after it could not be reached. Whatever else goes wrong is thrown without the
   * values that were given.
   */
  <T>(work: () => Promise<T>): Promise<T>
}

/**
 * @param now milliseconds of a clock that is never set back
 * @param chance a number from 0 to 1, so that many gateways do not come back in step
 */
export function createReach(
  now: () => number = () => performance.now(),
  chance: () => number = Math.random,
): Reach {
  let failures = 0
  let pausedUntil = Number.NEGATIVE_INFINITY
  let lastError: unknown = null

  function failed(error: unknown): void {
    const at = now()
    lastError = error
    // Many fail together: that counts as once.
    if (at < pausedUntil) return
    const pause = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** failures)
    pausedUntil = at + pause * (0.5 + chance() / 2)
    failures += 1
  }

  return async (work) => {
    if (now() < pausedUntil) throw new StoreUnavailable(lastError)
    try {
      const result = await work()
      failures = 0
      return result
    } catch (error) {
      const told = withoutValues(error)
      const loss = lossOf(error)
      if (loss === null) throw told
      if (loss === 'gone') failed(told)
      throw new StoreUnavailable(told)
    }
  }
}
