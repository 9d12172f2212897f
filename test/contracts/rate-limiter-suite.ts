/** Shared by the cases of the RateLimiter contract: the adapter under test, and rate windows. */
import type { Consumption, RateWindow, RateLimiter } from '../../src/uploads/ports/rate-limiter.ts'
import { after } from '../kit/samples.ts'

export const MINUTE_MS = 60_000

export const oneAMinute: readonly RateWindow[] = [{ limit: 1, windowMs: MINUTE_MS }]
export const threeAMinute: readonly RateWindow[] = [{ limit: 3, windowMs: MINUTE_MS }]

/** Windows of the budget of Stream API requests: two priorities count under one key. */
export const foregroundWindows: readonly RateWindow[] = [{ limit: 10, windowMs: 5 * MINUTE_MS }]
export const backgroundWindows: readonly RateWindow[] = [
  { limit: 8, windowMs: 5 * MINUTE_MS },
  { limit: 3, windowMs: MINUTE_MS },
]

/** The adapter under test. Each call first sets the adapter's clock to the given time. */
export interface TimedRateLimiter {
  consume(key: string, windows: readonly RateWindow[], now: Date): Promise<number | null>
  /** Consumes at `now`, and gives the unit back at `later`. Returns null, or the seconds to wait. */
  consumeAndGiveBack(
    key: string,
    windows: readonly RateWindow[],
    now: Date,
    later: () => Promise<Date>,
  ): Promise<number | null>
  /** @param now start of the block; defaults to the time of the last call */
  block(key: string, until: Date, now?: Date): Promise<void>
  countConsumed(key: string, spanMs: number, now: Date): Promise<number>
}

/** A clock that tests set. */
export interface SetClock {
  ms: number
}

export function timed(rateLimiter: RateLimiter, clock: SetClock): TimedRateLimiter {
  return {
    async consume(key, windows, now) {
      clock.ms = now.getTime()
      return retryAfterOf(await rateLimiter.consume(key, windows))
    },
    async consumeAndGiveBack(key, windows, now, later) {
      clock.ms = now.getTime()
      const consumed = await rateLimiter.consume(key, windows)
      if (consumed.kind === 'rejected') return consumed.retryAfterSeconds
      clock.ms = (await later()).getTime()
      await rateLimiter.giveBack(key, consumed.at)
      return null
    },
    block(key, until, now = new Date(clock.ms)) {
      clock.ms = now.getTime()
      return rateLimiter.block(key, Math.max(0, until.getTime() - now.getTime()))
    },
    countConsumed(key, spanMs, now) {
      clock.ms = now.getTime()
      return rateLimiter.countConsumed(key, spanMs)
    },
  }
}

/** Null for a consumed unit, else the seconds to wait. */
export function retryAfterOf(consumed: Consumption): number | null {
  return consumed.kind === 'consumed' ? null : consumed.retryAfterSeconds
}

/** The adapter opened for the current test. */
export interface Suite {
  readonly rateLimiter: () => TimedRateLimiter
  /** Consumes units one after the other at this second, and returns the wait of each. */
  readonly consumeAll: (
    key: string,
    windows: readonly RateWindow[],
    second: number,
    times: number,
  ) => Promise<readonly (number | null)[]>
}

export function suiteOf(rateLimiter: () => TimedRateLimiter): Suite {
  return {
    rateLimiter,
    async consumeAll(key, windows, second, times) {
      const waits: (number | null)[] = []
      for (let time = 0; time < times; time += 1) {
        waits.push(await rateLimiter().consume(key, windows, after(second)))
      }
      return waits
    },
  }
}
