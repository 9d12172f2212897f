/** A clock that runs, and that a test can advance. */
import type { Clock } from '../../src/shared/clock.ts'

export interface TestClock extends Clock {
  /** Advances the clock. Waits that end before the new time resolve immediately. */
  advance(seconds: number): void
  /** Sets the time of day, back when negative, without advancing the monotonic time. */
  set(seconds: number): void
}

interface Waiter {
  readonly until: number
  readonly wake: () => void
}

/** Maximum duration of one wait in milliseconds, as for the system clock. */
const MAX_TIMER_MS = 2 ** 31 - 1

/** @param baseMs milliseconds since 1970 before any advance; a constant function stops the clock */
export function createTestClock(baseMs: () => number = Date.now): TestClock {
  let advancedMs = 0
  let offsetMs = 0
  const waiters = new Set<Waiter>()
  const elapsedMs = (): number => baseMs() + advancedMs

  return {
    now: () => new Date(elapsedMs() + offsetMs),
    monotonicMs: elapsedMs,
    wait: (milliseconds, signal) =>
      new Promise((resolve) => {
        if (signal?.aborted === true) {
          resolve()
          return
        }
        const delay = Math.min(milliseconds, MAX_TIMER_MS)
        const timer = setTimeout(wake, delay)
        const waiter = { until: elapsedMs() + delay, wake }
        waiters.add(waiter)
        signal?.addEventListener('abort', wake)
        function wake(): void {
          clearTimeout(timer)
          waiters.delete(waiter)
          signal?.removeEventListener('abort', wake)
          resolve()
        }
      }),
    advance(seconds) {
      advancedMs += seconds * 1000
      for (const waiter of waiters) if (waiter.until <= elapsedMs()) waiter.wake()
    },
    set(seconds) {
      offsetMs += seconds * 1000
    },
  }
}
