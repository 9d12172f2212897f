/** Time that flows, and jumps when a test says so. */
import type { Clock } from '../../src/shared/clock.ts'

export interface TestClock extends Clock {
  /** Jumps ahead: whoever waits for a time before that goes on at once. */
  advance(seconds: number): void
  /** Sets the time of day by so many seconds, back where negative. No time passes by that. */
  set(seconds: number): void
}

interface Waiter {
  readonly until: number
  readonly wake: () => void
}

/** A wait ends after this many milliseconds at most, as that of the system clock. */
const MAX_TIMER_MS = 2 ** 31 - 1

/** @param flowing milliseconds since 1970, before any jump; one that says the same for ever stands still */
export function createTestClock(flowing: () => number = Date.now): TestClock {
  let ahead = 0
  let set = 0
  const waiters = new Set<Waiter>()
  const passed = (): number => flowing() + ahead

  return {
    now: () => new Date(passed() + set),
    monotonicMs: passed,
    wait: (milliseconds, signal) =>
      new Promise((resolve) => {
        if (signal?.aborted === true) {
          resolve()
          return
        }
        const delay = Math.min(milliseconds, MAX_TIMER_MS)
        const timer = setTimeout(wake, delay)
        const waiter = { until: passed() + delay, wake }
        waiters.add(waiter)
        signal?.addEventListener('abort', wake, { once: true })
        function wake(): void {
          clearTimeout(timer)
          waiters.delete(waiter)
          resolve()
        }
      }),
    advance(seconds) {
      ahead += seconds * 1000
      for (const waiter of waiters) if (waiter.until <= passed()) waiter.wake()
    },
    set(seconds) {
      set += seconds * 1000
    },
  }
}
