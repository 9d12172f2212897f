/** Rate limit per caller and minute, counted per upload and not per HTTP request. */
import type { RateLimit } from './ports/creation-store.ts'
import type { Consumption, RateWindow, RateLimiter } from './ports/rate-limiter.ts'

/** A rate limit applied to each caller separately. */
export interface CallerRateLimit {
  /** Rejects if the rate limiter is unreachable; the action must then be denied. */
  consume(caller: string): Promise<Consumption>
  /** Returns the limit itself, for a store that consumes it together with its own write. */
  ruleFor(caller: string): RateLimit
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
  const keyOf = (caller: string): string => `${name}:${caller}`
  return {
    consume: (caller) => rateLimiter.consume(keyOf(caller), windows),
    ruleFor: (caller) => ({ key: keyOf(caller), windows }),
  }
}
