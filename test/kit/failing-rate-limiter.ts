/** A rate limiter whose database is unavailable: every call rejects. */
import type { RateLimiter } from '../../src/uploads/ports/rate-limiter.ts'

export const rateLimiterError = new Error('The database is unavailable.')

export const failingRateLimiter: RateLimiter = {
  consume: () => Promise.reject(rateLimiterError),
  giveBack: () => Promise.reject(rateLimiterError),
  block: () => Promise.reject(rateLimiterError),
  countConsumed: () => Promise.reject(rateLimiterError),
}
