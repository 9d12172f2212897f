/**
 * Keeps the gateways below Stream's own limit: 1,200 requests in five minutes for all of an account's
 * tokens together, and whoever passes it is refused everything for the next five.
 * https://developers.cloudflare.com/fundamentals/api/reference/limits/
 */
import type { Allowance, Allowances } from '../../uploads/ports/rate-limiter.ts'

/** Under which all gateways of an account count together. */
const KEY = 'stream-api'
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

/** Rejects where the allowances cannot be reached: then nothing may be sent. */
export interface ApiBudget {
  /** Counts a request and gives null; or counts nothing, and gives the seconds until there is room. */
  take(purpose: Purpose): Promise<number | null>
  /** Stream said to wait: nothing is taken until then. */
  holdFor(seconds: number): Promise<void>
  /** Requests that mutations may still make in the present five minutes; infinite without a limit. */
  left(): Promise<number>
}

/**
 * `requests` in any five minutes, of all gateways that share the allowances. Null for as many as one
 * likes, as an emulator allows: nothing is counted then, and a hold is of this gateway alone. The
 * allowances are not asked, for each call to Stream would wait for that, and a 429 comes to each
 * gateway by itself.
 * @param monotonicMs milliseconds of a clock that is never set back
 */
export function createApiBudget(
  allowances: Allowances,
  requests: number | null,
  monotonicMs: () => number,
): ApiBudget {
  if (requests === null) return createUncountedBudget(monotonicMs)
  const within = allowancesOf(requests)
  return {
    take: (purpose) => allowances.take(KEY, within[purpose]),
    holdFor: (seconds) => allowances.hold(KEY, heldMs(seconds)),
    left: async () => Math.max(0, requests - (await allowances.taken(KEY, WINDOW_MS))),
  }
}

function allowancesOf(requests: number): Readonly<Record<Purpose, readonly Allowance[]>> {
  const share = requests * (1 - KEPT_FOR_MUTATIONS)
  return {
    mutation: [{ most: requests, spanMs: WINDOW_MS }],
    synchronisation: [
      { most: Math.ceil(share), spanMs: WINDOW_MS },
      { most: Math.ceil(Math.max(LEAST_A_MINUTE, share / 5)), spanMs: MINUTE_MS },
    ],
  }
}

function createUncountedBudget(monotonicMs: () => number): ApiBudget {
  let heldUntil = -Infinity
  return {
    async take() {
      const left = heldUntil - monotonicMs()
      return left > 0 ? Math.ceil(left / 1000) : null
    },
    async holdFor(seconds) {
      heldUntil = Math.max(heldUntil, monotonicMs() + heldMs(seconds))
    },
    left: () => Promise.resolve(Number.POSITIVE_INFINITY),
  }
}

function heldMs(seconds: number): number {
  return Math.min(seconds, LONGEST_HOLD_SECONDS) * 1000
}
