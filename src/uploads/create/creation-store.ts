/** `CreationStore` for a store whose rate limiter is separate: one call after the other. */
import type { CreationStore } from '../ports/creation-store.ts'
import type { RateLimiter } from '../ports/rate-limiter.ts'
import { StoreUnavailable } from '../ports/store-unavailable.ts'
import type { UploadStore } from '../ports/upload-store.ts'

export function createCreationStore(store: UploadStore, rateLimiter: RateLimiter): CreationStore {
  /** The unit stays consumed if the rate limiter is unreachable. */
  async function giveBack(key: string, at: number): Promise<void> {
    try {
      await rateLimiter.giveBack(key, at)
    } catch (error) {
      if (!(error instanceof StoreUnavailable)) throw error
    }
  }

  return {
    async admit(reservation, { rateLimit, ...rules }) {
      const { requestedBy, idempotencyKey } = reservation
      if (idempotencyKey !== null) {
        const holder = await store.findByKey(requestedBy, idempotencyKey, rules.keysValidSince)
        if (holder !== null) return { kind: 'key-in-use', ...holder }
      }
      const consumed = await rateLimiter.consume(rateLimit.key, rateLimit.windows)
      if (consumed.kind === 'rejected') {
        return { kind: 'rate-limited', retryAfterSeconds: consumed.retryAfterSeconds }
      }
      try {
        return await store.reserve(reservation, rules)
      } catch (error) {
        await giveBack(rateLimit.key, consumed.at)
        throw error
      }
    },
    async record(...args) {
      const upload = await store.mint(...args)
      return upload === null ? null : { upload, webhooks: null }
    },
  }
}
