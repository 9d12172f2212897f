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

/** Of calls without an order. */
const ANY_TIME: Turn = { begin: Promise.resolve(), end: doNothing }

function doNothing(): void {
  // No call waits for this one.
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

  async function admit(
    reservation: Reservation,
    { rateLimit, ...rules }: AdmitRules,
    turn: Turn,
  ): Promise<AdmitOutcome> {
    const { requestedBy, idempotencyKey } = reservation
    try {
      if (idempotencyKey !== null) {
        const holder = await store.findByKey(requestedBy, idempotencyKey, rules.keysValidSince)
        if (holder !== null) return { kind: 'key-in-use', ...holder }
      }
      if (turn !== ANY_TIME) await turn.begin
      const consuming = rateLimiter.consume(rateLimit.key, rateLimit.windows)
      turn.end()
      const consumed = await consuming
      if (consumed.kind === 'rejected') {
        return { kind: 'rate-limited', retryAfterSeconds: consumed.retryAfterSeconds }
      }
      try {
        const admitted = await store.reserve(reservation, rules)
        // A concurrent request has reserved with the key.
        if (admitted.kind === 'key-in-use') await giveBack(rateLimit.key, consumed.at)
        return admitted
      } catch (error) {
        await giveBack(rateLimit.key, consumed.at)
        throw error
      }
    } finally {
      turn.end()
    }
  }

  const creations: CreationStore = {
    admit: (reservation, rules) => admit(reservation, rules, ANY_TIME),
    inOrder() {
      let last = Promise.resolve()
      return {
        ...creations,
        admit(reservation, rules) {
          const begin = last
          let end = doNothing
          const ended = new Promise<void>((resolve) => {
            end = resolve
          })
          last = begin.then(() => ended)
          return admit(reservation, rules, { begin, end })
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
