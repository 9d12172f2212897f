/** Rate limit per caller and minute, counted per upload and not per HTTP request. */
import type { RateWindow, RateLimiter } from './ports/rate-limiter.ts'

/** A rate limit applied to each caller separately. */
export interface CallerRateLimit {
  /**
   * Consumes one unit and returns null, or returns the seconds to wait. Rejects if the rate limiter is
   * unreachable; the action must then be denied.
   */
  consume(caller: string): Promise<number | null>
}

const WINDOW_MS = 60_000

/**
 * Creates a sliding window of one minute, shared by all gateways with the same rate limiter.
 * @param name of the limited action, such as `mint`: each name has its own count
 */
export function createCallerRateLimit(
  rateLimiter: RateLimiter,
  name: string,
  perMinute: number,
): CallerRateLimit {
  const windows: readonly RateWindow[] = [{ limit: perMinute, windowMs: WINDOW_MS }]
  return { consume: (caller) => rateLimiter.consume(`${name}:${caller}`, windows) }
}
