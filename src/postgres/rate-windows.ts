/** Rate limits as the SQL function `consume_rate_limit` takes them. */
import type { RateWindow } from '../uploads/ports/rate-limiter.ts'

/** Largest limit whose units are stored at their own times. Larger limits are counted in time steps. */
const MAX_STEPS_PER_WINDOW = 1000

/** PostgreSQL's largest integer: no caller reaches this limit in a window. */
const LARGEST = 2 ** 31 - 1

export interface WindowArrays {
  readonly limits: readonly number[]
  /** In milliseconds. */
  readonly windows: readonly number[]
  /** Units are counted under the end of their step of this many milliseconds. */
  readonly stepMs: number
}

/** A row then has at most about MAX_STEPS_PER_WINDOW times, however large the limits are. */
export function toWindowArrays(rateWindows: readonly RateWindow[]): WindowArrays {
  const limits = rateWindows.map(({ limit }) => Math.min(limit, LARGEST))
  const windows = rateWindows.map(({ windowMs }) => windowMs)
  const isLarge = Math.max(0, ...limits) > MAX_STEPS_PER_WINDOW
  return {
    limits,
    windows,
    stepMs: isLarge ? Math.ceil(Math.max(...windows) / MAX_STEPS_PER_WINDOW) : 1,
  }
}
