/** Port for rate limits that all gateways with the same adapter share. */

/** At most `limit` calls in any `windowMs` milliseconds (sliding window). */
export interface RateWindow {
  /** Integer, at least 1. */
  readonly limit: number
  readonly windowMs: number
}

/** Outcome of `consume`: a unit of the key, or the seconds (integer, at least 1) until the next attempt. */
export type Consumption =
  /** `at` identifies the unit for `giveBack`: milliseconds of the adapter's clock. */
  | { readonly kind: 'consumed'; readonly at: number }
  | { readonly kind: 'rejected'; readonly retryAfterSeconds: number }

/**
 * Longest block, in milliseconds. A block that ends later was written under a wrong clock and counts as
 * expired.
 */
export const MAX_BLOCK_MS = 600_000

/**
 * Sliding-window rate limiter. The adapter's own clock decides: the process's monotonic clock, or the
 * database server's clock where gateways share a database. Every caller of one key passes the same longest
 * window; shorter windows and all limits may differ. An entry exactly as old as a window is outside it. If
 * the clock is set back, entries in its future count as consumed now, so a rejection lasts one window at
 * most. Every method rejects when the store is unreachable; callers must then deny the action.
 */
export interface RateLimiter {
  /**
   * Consumes one unit if every window is below its limit and the key is not blocked. Otherwise consumes nothing and
   * returns the seconds until all windows are below their limits, provided that no other caller consumes it. With no
   * windows only a block rejects, and the unit need not be stored.
   */
  consume(key: string, windows: readonly RateWindow[]): Promise<Consumption>
  /** Gives back a unit whose action did not happen; call it once per unit. Other units keep their times. */
  giveBack(key: string, at: number): Promise<void>
  /** Rejects the key for this long, at most MAX_BLOCK_MS. Of two blocks the later end applies. */
  block(key: string, milliseconds: number): Promise<void>
  /** Returns the units consumed under the key in the last `windowMs`, which must be one of its windows. */
  countConsumed(key: string, windowMs: number): Promise<number>
}
