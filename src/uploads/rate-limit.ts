/** How often a caller may mint: so many in any minute, counted per upload and not per request. */
import { type RecentTimes, createRecentTimes } from '../allowances/recent-times.ts'

/** A limit with a memory of who did how much lately. */
export interface RateLimit {
  /** Null where the caller may go on (and it is counted); else seconds until it may. */
  take(caller: string, now: Date): number | null
}

const WINDOW_MS = 60_000

/**
 * A sliding window over one minute, in memory. Holds some twice `perMinute` times per caller, and
 * forgets callers whose last minute is over.
 */
export function createRateLimit(perMinute: number): RateLimit {
  const callers = new Map<string, RecentTimes>()
  let sweptAt = 0

  function forgetIdle(now: number): void {
    if (now - sweptAt < WINDOW_MS) return
    sweptAt = now
    for (const [caller, times] of callers) {
      if (times.countAt(now) === 0) callers.delete(caller)
    }
  }

  function timesOf(caller: string): RecentTimes {
    const known = callers.get(caller)
    if (known !== undefined) return known
    const times = createRecentTimes(WINDOW_MS)
    callers.set(caller, times)
    return times
  }

  return {
    take(caller, at) {
      const now = at.getTime()
      forgetIdle(now)
      const times = timesOf(caller)
      const count = times.countAt(now)
      const oldest = times.at(0)
      if (count >= perMinute && oldest !== null) {
        return Math.max(1, Math.ceil((oldest + WINDOW_MS - now) / 1000))
      }
      times.add()
      return null
    },
  }
}
