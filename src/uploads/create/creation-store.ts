/** `CreationStore` for a store whose rate limiter is separate: one call after the other. */
import type { AdmitOutcome, AdmitRules, CreationStore } from '../ports/creation-store.ts'
import type { RateLimiter } from '../ports/rate-limiter.ts'
import { StoreUnavailable } from '../ports/store-unavailable.ts'
import type { Reservation, UploadStore } from '../ports/upload-store.ts'

/** When a call may consume its unit of the rate limit. */
interface Turn {
  /** Resolves when all earlier calls have ended their turn. */
  readonly begin: Promise<void>
  /** Called once the unit is requested, or not needed. */
  end(): void
}

export function createCreationStore(store: UploadStore, rateLimiter: RateLimiter): CreationStore {
  /** The unit stays consumed if the rate limiter is unreachable. */
  async function giveBack(key: string, at: number): Promise<void> {
    try {
      await rateLimiter.giveBack(key, at)
    } catch (error) {
      if (!(error instanceof StoreUnavailable)) throw error
    }
  }

  async function reserve(
    reservation: Reservation,
    { rateLimit, ...rules }: AdmitRules,
    consumedAt: number,
  ): Promise<AdmitOutcome> {
    try {
      return await store.reserve(reservation, rules)
    } catch (error) {
      await giveBack(rateLimit.key, consumedAt)
      throw error
    }
  }

  /** @param turn null for a call without an order */
  async function admit(
    reservation: Reservation,
    rules: AdmitRules,
    turn: Turn | null,
  ): Promise<AdmitOutcome> {
    const { requestedBy, idempotencyKey } = reservation
    const { key, windows } = rules.rateLimit
    try {
      if (idempotencyKey !== null) {
        const holder = await store.findByKey(requestedBy, idempotencyKey, rules.keysValidSince)
        if (holder !== null) return { kind: 'key-in-use', ...holder }
      }
      if (turn !== null) await turn.begin
      const consuming = rateLimiter.consume(key, windows)
      turn?.end()
      const consumed = await consuming
      if (consumed.kind === 'rejected') {
        return { kind: 'rate-limited', retryAfterSeconds: consumed.retryAfterSeconds }
      }
      const admitted = await reserve(reservation, rules, consumed.at)
      // A concurrent request has reserved with the key.
      if (admitted.kind === 'key-in-use') await giveBack(key, consumed.at)
      return admitted
    } finally {
      turn?.end()
    }
  }

  const creations: CreationStore = {
    admit: (reservation, rules) => admit(reservation, rules, null),
    inOrder() {
      let last = Promise.resolve()
      return {
        ...creations,
        admit(reservation, rules) {
          const begin = last
          let end: (() => void) | null = null
          const ended = new Promise<void>((resolve) => {
            end = resolve
          })
          last = begin.then(() => ended)
          return admit(reservation, rules, { begin, end: () => end?.() })
        },
      }
    },
    async record(...args) {
      const upload = await store.mint(...args)
      return upload === null ? null : { upload, webhooks: null }
    },
  }
  return creations
}
