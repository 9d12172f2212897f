/** Allowances whose database is away: whatever is asked of them is rejected. */
import type { Allowances } from '../../src/uploads/ports/rate-limiter.ts'

export const away = new Error('The database is away.')

export const awayAllowances: Allowances = {
  take: () => Promise.reject(away),
  hold: () => Promise.reject(away),
  taken: () => Promise.reject(away),
}
