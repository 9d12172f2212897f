/**
 * Keeps the gateway below Stream's own limit: 1,200 requests in five minutes for all of an account's
 * tokens together, and whoever passes it is refused everything for the next five.
 * https://developers.cloudflare.com/fundamentals/api/reference/limits/
 */
import { createRecentTimes } from '../allowances/recent-times.ts'

const WINDOW_MS = 300_000
/** Stream's own block is over by then, whatever it says. */
const LONGEST_HOLD_SECONDS = 600
const MINUTE_MS = 60_000
/** Synchronisation spreads its share over the minutes, so that it is never silent for long. */
const LEAST_A_MINUTE = 8

/** Of the whole, so much is left to mutations: somebody waits for those. */
const KEPT_FOR_MUTATIONS = 0.2

/** What a request is for: mutations go first, synchronisation takes what is left. */
export type Purpose = 'mutation' | 'synchronisation'

export interface ApiBudget {
  /** Counts a request and gives null; or counts nothing, and gives the seconds until there is room. */
  take(purpose: Purpose): number | null
  /** Stream said to wait: nothing is taken until then. */
  holdFor(seconds: number): void
  /** Requests that mutations may still make in the present five minutes. */
  left(): number
}

/** `requests` in any five minutes; null for as many as one likes, as an emulator allows. */
export function createApiBudget(requests: number | null, now: () => Date): ApiBudget {
  const limit = requests ?? Number.POSITIVE_INFINITY
  const limits: Readonly<Record<Purpose, number>> = {
    mutation: limit,
    synchronisation: limit * (1 - KEPT_FOR_MUTATIONS),
  }
  const paced = Math.max(LEAST_A_MINUTE, limits.synchronisation / 5)
  /** When each request of the last five minutes was made. Bounded by the limit. */
  const made = createRecentTimes(WINDOW_MS)
  let heldUntil = 0

  return {
    take(purpose) {
      const at = now().getTime()
      if (at < heldUntil) return secondsUntil(heldUntil, at)
      if (requests === null) return null
      const taken = made.countAt(at)
      if (purpose === 'synchronisation') {
        const before = made.countUntil(at - MINUTE_MS)
        const oldest = made.at(before)
        if (oldest !== null && taken - before >= paced) {
          return secondsUntil(oldest + MINUTE_MS, at)
        }
      }
      const over = taken - limits[purpose]
      if (over >= 0) {
        // There is room once enough of the oldest have left the window.
        const leaver = made.at(Math.min(Math.floor(over), taken - 1)) ?? at
        return secondsUntil(leaver + WINDOW_MS, at)
      }
      made.add()
      return null
    },
    holdFor(seconds) {
      heldUntil = Math.max(
        heldUntil,
        now().getTime() + Math.min(seconds, LONGEST_HOLD_SECONDS) * 1000,
      )
    },
    left: () => Math.max(0, limit - made.countAt(now().getTime())),
  }
}

function secondsUntil(then: number, at: number): number {
  return Math.max(1, Math.ceil((then - at) / 1000))
}
