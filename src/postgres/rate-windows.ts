/** Rate limits as the SQL function `consume_rate_limit` takes them. */
import type { RateWindow } from '../uploads/ports/rate-limiter.ts'

/** Largest limit whose units are stored at their own times. */
const MAX_EXACT_LIMIT = 600
/** Time steps per window in which larger limits are counted. */
const STEPS_PER_WINDOW = 250

/** PostgreSQL's largest integer: no caller reaches this limit in a window. */
const LARGEST = 2 ** 31 - 1

export interface WindowArrays {
  readonly limits: readonly number[]
  /** In milliseconds. */
  readonly windows: readonly number[]
  /** Units are counted under the end of their step of this many milliseconds. */
  readonly stepMs: number
}

/** A row then has at most MAX_EXACT_LIMIT times, which fit into its page, however large the limits are. */
export function toWindowArrays(rateWindows: readonly RateWindow[]): WindowArrays {
  const limits = rateWindows.map(({ limit }) => Math.min(limit, LARGEST))
  const windows = rateWindows.map(({ windowMs }) => windowMs)
  const isLarge = Math.max(0, ...limits) > MAX_EXACT_LIMIT
  return {
    limits,
    windows,
    stepMs: isLarge ? Math.ceil(Math.max(...windows) / STEPS_PER_WINDOW) : 1,
  }
}
