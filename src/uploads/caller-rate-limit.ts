/** How often a caller may do a thing: so many in any minute, counted per upload and not per request. */
import type { Allowance, Allowances } from './ports/rate-limiter.ts'

/** A limit for each caller alone. */
export interface RateLimit {
  /**
   * Null where the caller may go on (and it is counted); else seconds until it may. Rejects where
   * the allowances cannot be reached: then nobody may go on.
   */
  take(caller: string): Promise<number | null>
}

const WINDOW_MS = 60_000

/**
 * A sliding window over one minute, for all gateways that share the allowances.
 * @param name what is limited, such as `mint`: limits of another name count apart
 */
export function createRateLimit(
  allowances: Allowances,
  name: string,
  perMinute: number,
): RateLimit {
  const within: readonly Allowance[] = [{ most: perMinute, spanMs: WINDOW_MS }]
  return { take: (caller) => allowances.take(`${name}:${caller}`, within) }
}
