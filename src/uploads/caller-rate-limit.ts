/** Rate limit per caller and minute, counted per upload and not per HTTP request. */
import type { Consumption, RateWindow, RateLimiter } from './ports/rate-limiter.ts'
import { StoreUnavailable } from './ports/store-unavailable.ts'

/** A rate limit applied to each caller separately. */
export interface CallerRateLimit {
  /** Rejects if the rate limiter is unreachable; the action must then be denied. */
  consume(caller: string): Promise<Consumption>
  /** Gives back a unit whose action did not happen. It stays consumed if the rate limiter is unreachable. */
  giveBack(caller: string, at: number): Promise<void>
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
    async giveBack(caller, at) {
      try {
        await rateLimiter.giveBack(keyOf(caller), at)
      } catch (error) {
        if (!(error instanceof StoreUnavailable)) throw error
      }
    },
  }
}
