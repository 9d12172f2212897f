/** What the cases of the allowances' contract share: the keeper under test, and some allowances. */
import type { Consumption, RateWindow, RateLimiter } from '../../src/uploads/ports/rate-limiter.ts'
import { after } from '../kit/samples.ts'

export const MINUTE_MS = 60_000

export const oneAMinute: readonly RateWindow[] = [{ limit: 1, windowMs: MINUTE_MS }]
export const threeAMinute: readonly RateWindow[] = [{ limit: 3, windowMs: MINUTE_MS }]

/** As the budget of requests to Stream has them: two kinds of callers count under one key. */
export const urgent: readonly RateWindow[] = [{ limit: 10, windowMs: 5 * MINUTE_MS }]
export const patient: readonly RateWindow[] = [
  { limit: 8, windowMs: 5 * MINUTE_MS },
  { limit: 3, windowMs: MINUTE_MS },
]

/** The adapter under test, asked at a moment that the test says: its clock is set to that first. */
export interface TimedRateLimiter {
  take(key: string, within: readonly RateWindow[], now: Date): Promise<number | null>
  /** Consumes at `now`, and gives the unit back at `later`. Returns null, or the seconds to wait. */
  consumeAndGiveBack(
    key: string,
    windows: readonly RateWindow[],
    now: Date,
    later: () => Promise<Date>,
  ): Promise<number | null>
  /** @param now when it is held; left out, when it was asked last */
  hold(key: string, until: Date, now?: Date): Promise<void>
  taken(key: string, spanMs: number, now: Date): Promise<number>
}

/** A clock that tests set. */
export interface SetClock {
  ms: number
}

export function timed(rateLimiter: RateLimiter, clock: SetClock): TimedRateLimiter {
  return {
    async take(key, within, now) {
      clock.ms = now.getTime()
      return retryAfterOf(await rateLimiter.consume(key, within))
    },
    async consumeAndGiveBack(key, windows, now, later) {
      clock.ms = now.getTime()
      const consumed = await rateLimiter.consume(key, windows)
      if (consumed.kind === 'rejected') return consumed.retryAfterSeconds
      clock.ms = (await later()).getTime()
      await rateLimiter.giveBack(key, consumed.at)
      return null
    },
    hold(key, until, now = new Date(clock.ms)) {
      clock.ms = now.getTime()
      return rateLimiter.block(key, Math.max(0, until.getTime() - now.getTime()))
    },
    taken(key, spanMs, now) {
      clock.ms = now.getTime()
      return rateLimiter.countConsumed(key, spanMs)
    },
  }
}

/** Null for a consumed unit, else the seconds to wait. */
export function retryAfterOf(consumed: Consumption): number | null {
  return consumed.kind === 'consumed' ? null : consumed.retryAfterSeconds
}

/** The keeper that the present test has opened. */
export interface Suite {
  readonly allowances: () => TimedRateLimiter
  /** Takes so many one after the other at this second, and tells what came of each. */
  readonly takeAll: (
    key: string,
    within: readonly RateWindow[],
    second: number,
    times: number,
  ) => Promise<readonly (number | null)[]>
}

export function suiteOf(rateLimiter: () => TimedRateLimiter): Suite {
  return {
    allowances: rateLimiter,
    async takeAll(key, within, second, times) {
      const waits: (number | null)[] = []
      for (let time = 0; time < times; time += 1) {
        waits.push(await rateLimiter().take(key, within, after(second)))
      }
      return waits
    },
  }
}
