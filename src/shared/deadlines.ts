/** Deadlines for running operations; one timer serves all of them. */
import type { Clock } from './clock.ts'
import { NOT_IN_SET, type Indexed, createIndexedSet } from './indexed-set.ts'

export interface DeadlineDependencies {
  readonly clock: Pick<Clock, 'monotonicMs' | 'wait'>
  /** Ends the timer; no deadline expires afterwards. */
  readonly closing: AbortSignal
}

export interface Deadlines {
  /** Calls `onExpired` at the deadline, unless the returned function is called earlier. */
  start(onExpired: () => void): () => void
}

interface RunningOperation extends Indexed {
  /** Deadline, on the clock's monotonic time in milliseconds. */
  readonly endsAt: number
  readonly onExpired: () => void
}

/** Calls `onExpired` for each operation that runs longer than `milliseconds`. */
export function createDeadlines(
  { clock, closing }: DeadlineDependencies,
  milliseconds: number,
): Deadlines {
  const running = createIndexedSet<RunningOperation>()
  let isWatching = false

  /** Wakes up at the next deadline; most operations have ended long before it. */
  async function watch(): Promise<void> {
    isWatching = true
    while (!closing.aborted) {
      const now = clock.monotonicMs()
      let nextDeadline = Infinity
      for (const operation of running.values()) {
        if (operation.endsAt > now) {
          nextDeadline = Math.min(nextDeadline, operation.endsAt)
        } else {
          running.delete(operation)
          operation.onExpired()
        }
      }
      if (nextDeadline === Infinity) break
      await clock.wait(nextDeadline - now, closing)
    }
    isWatching = false
  }

  return {
    start(onExpired) {
      const operation = {
        endsAt: clock.monotonicMs() + milliseconds,
        onExpired,
        index: NOT_IN_SET,
      }
      running.add(operation)
      if (!isWatching) void watch()
      return () => running.delete(operation)
    },
  }
}
