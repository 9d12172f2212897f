/** Real time. */
import type { Clock } from '../uploads/dependencies.ts'

/** Node fires at once where a timer is longer than this, some 24 days. */
const LONGEST_TIMER_MS = 2 ** 31 - 1

export const realClock: Clock = {
  now: () => new Date(),
  monotonicMs: () => performance.now(),
  wait(milliseconds, signal) {
    return new Promise((resolve) => {
      if (signal?.aborted === true) {
        resolve()
        return
      }
      const timer = setTimeout(done, Math.min(milliseconds, LONGEST_TIMER_MS))
      signal?.addEventListener('abort', done, { once: true })
      function done(): void {
        clearTimeout(timer)
        signal?.removeEventListener('abort', done)
        resolve()
      }
    })
  },
}
