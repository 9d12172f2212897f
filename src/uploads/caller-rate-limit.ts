/** Rate limit per caller and minute, counted per upload and not per HTTP request. */
import type { RateLimit } from './ports/creation-store.ts'
import type { Consumption, RateWindow, RateLimiter } from './ports/rate-limiter.ts'

/** A rate limit applied to each caller separately. A caller's token may contain another limit than the policy. */
export interface CallerRateLimit {
  /** Rejects if the rate limiter is unreachable; the action must then be denied. */
  consume(caller: string, perMinute: number): Promise<Consumption>
  /** Returns the limit itself, for a store that consumes it together with its own write. */
  ruleFor(caller: string, perMinute: number): RateLimit
}

const WINDOW_MS = 60_000

/**
 * Creates a sliding window of one minute, shared by all gateways with the same rate limiter.
 * @param name of the limited action, such as `mint`: each name has its own count
 */
export function createCallerRateLimit(rateLimiter: RateLimiter, name: string): CallerRateLimit {
  const keyOf = (caller: string): string => `${name}:${caller}`
  return {
    consume: (caller, perMinute) => rateLimiter.consume(keyOf(caller), windowsOf(perMinute)),
    ruleFor: (caller, perMinute) => ({ key: keyOf(caller), windows: windowsOf(perMinute) }),
  }
}

function windowsOf(perMinute: number): readonly RateWindow[] {
  return [{ limit: perMinute, windowMs: WINDOW_MS }]
}
