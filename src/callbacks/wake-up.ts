/** Lets a loop wait for work or for a time, whichever comes first. */
import type { Clock } from '../shared/clock.ts'

export interface WakeUp {
  /** Ends the present wait, or else the next one at once. */
  readonly wake: () => void
  /** Waits for this many milliseconds, or less when woken. One loop may wait. */
  wait(milliseconds: number): Promise<void>
}

export function createWakeUp(clock: Pick<Clock, 'wait'>): WakeUp {
  let isWoken = false
  let waiting: AbortController | null = null
  return {
    wake() {
      isWoken = true
      // Without a reason, `abort` creates an error with a stack.
      waiting?.abort(null)
    },
    async wait(milliseconds) {
      if (!isWoken) {
        waiting = new AbortController()
        await clock.wait(milliseconds, waiting.signal)
      }
      isWoken = false
    },
  }
}
