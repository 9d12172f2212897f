/** How often a caller may mint: so many in any minute, counted per upload and not per request. */

/** A limit with a memory of who did how much lately. */
export interface RateLimit {
  /** Null where the caller may go on (and it is counted); else seconds until it may. */
  take(caller: string, now: Date): number | null
}

const WINDOW_MS = 60_000

/**
 * A sliding window over one minute, in memory. Holds at most `perMinute` times per caller, and
 * forgets callers whose last minute is over.
 */
export function createRateLimit(perMinute: number): RateLimit {
  const times = new Map<string, number[]>()
  let sweptAt = 0

  function forgetIdle(now: number): void {
    if (now - sweptAt < WINDOW_MS) return
    sweptAt = now
    for (const [caller, taken] of times) {
      if ((taken.at(-1) ?? 0) <= now - WINDOW_MS) times.delete(caller)
    }
  }

  return {
    take(caller, at) {
      const now = at.getTime()
      forgetIdle(now)
      const recent = (times.get(caller) ?? []).filter((time) => time > now - WINDOW_MS)
      const oldest = recent[0]
      if (recent.length >= perMinute && oldest !== undefined) {
        times.set(caller, recent)
        return Math.max(1, Math.ceil((oldest + WINDOW_MS - now) / 1000))
      }
      recent.push(now)
      times.set(caller, recent)
      return null
    },
  }
}
