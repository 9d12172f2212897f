/** Allowances whose database is away: whatever is asked of them is rejected. */
import type { RateLimiter } from '../../src/uploads/ports/rate-limiter.ts'

export const away = new Error('The database is away.')

export const awayRateLimiter: RateLimiter = {
  consume: () => Promise.reject(away),
  giveBack: () => Promise.reject(away),
  block: () => Promise.reject(away),
  countConsumed: () => Promise.reject(away),
}
