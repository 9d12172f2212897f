/** The system clock, and calls at a date. */

/** Longest timer in milliseconds (about 24 days); Node fires longer ones immediately. */
const MAX_TIMER_MS = 2 ** 31 - 1

export const systemClock: Clock = {
  now: () => new Date(),
  monotonicMs: () => performance.now(),
  wait(milliseconds, signal) {
    return new Promise((resolve) => {
      if (signal?.aborted === true) {
        resolve()
        return
      }
      const timer = setTimeout(done, Math.min(milliseconds, MAX_TIMER_MS))
      signal?.addEventListener('abort', done, { once: true })
      function done(): void {
        clearTimeout(timer)
        signal?.removeEventListener('abort', done)
        resolve()
      }
    })
  },
}

/** A clock, passed as a dependency so that tests can advance time instead of waiting. */
export interface Clock {
  now(): Date
  /** Monotonic milliseconds since an arbitrary origin, for durations; comparable within one process only. */
  monotonicMs(): number
  /**
   * Resolves after this many milliseconds, or earlier: on abort, and after the longest timer, which is
   * about 24 days. Never rejects.
   */
  wait(milliseconds: number, signal?: AbortSignal): Promise<void>
}

/**
 * Calls `listener` when the clock reaches the date, never before `callAt` has returned. Returns a
 * function that cancels the call.
 */
export function callAt(
  clock: Pick<Clock, 'now' | 'wait'>,
  date: Date,
  listener: () => void,
): () => void {
  const cancellation = new AbortController()
  async function waitAndCall(): Promise<void> {
    // The date may have passed already.
    await Promise.resolve()
    while (!cancellation.signal.aborted) {
      const leftMs = date.getTime() - clock.now().getTime()
      if (leftMs <= 0) {
        listener()
        return
      }
      await clock.wait(leftMs, cancellation.signal)
    }
  }
  void waitAndCall()
  return () => cancellation.abort()
}
