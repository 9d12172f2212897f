/** Lets a loop wait for work or for a time, whichever comes first. */
import type { Clock } from '../shared/clock.ts'

export interface WakeUp {
  /** Ends the present wait, or else the next one at once. */
  readonly call: () => void
  /** Waits for this many milliseconds, or less when called. One loop may wait. */
  wait(milliseconds: number): Promise<void>
}

export function createWakeUp(clock: Pick<Clock, 'wait'>): WakeUp {
  let wasCalled = false
  let waiting: AbortController | null = null
  return {
    call() {
      wasCalled = true
      // A reason of its own would be created with a stack.
      waiting?.abort(null)
    },
    async wait(milliseconds) {
      if (!wasCalled) {
        waiting = new AbortController()
        await clock.wait(milliseconds, waiting.signal)
      }
      wasCalled = false
    },
  }
}
