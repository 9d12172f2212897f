/** Port for the writes of a creation, which a store may join with its rate limit into fewer round trips. */
import type { Upload } from '../upload.ts'
import type { RateWindow } from './rate-limiter.ts'
import type { Reservation, ReserveOptions, ReserveOutcome, UploadStore } from './upload-store.ts'

/** A rate limit of one key of the RateLimiter. */
export interface RateLimit {
  readonly key: string
  /** At least one. */
  readonly windows: readonly RateWindow[]
}

/** Rules checked with the write of a reservation. */
export interface AdmitRules extends ReserveOptions {
  readonly rateLimit: RateLimit
}

/** Outcome of `admit`. */
export type AdmitOutcome =
  | ReserveOutcome
  | { readonly kind: 'rate-limited'; readonly retryAfterSeconds: number }

/** An upload that was just recorded. */
export interface RecordedUpload {
  readonly upload: Upload
  /** Bodies of the webhooks stored for its uid, oldest first; null if the adapter did not read them. */
  readonly webhooks: readonly string[] | null
}

/** The port. Resolved writes are durable. Rejects like UploadStore and RateLimiter. */
export interface CreationStore {
  /**
   * Consumes a unit of the rate limit, and records the reservation. A key that is in use takes precedence over
   * the rate limit and consumes no unit; the rate limit takes precedence over the token's limit,
   * and that over the quota. If the write fails, the unit is given back.
   */
  admit(reservation: Reservation, rules: AdmitRules): Promise<AdmitOutcome>
  /** Returns the same store, but concurrent calls of its `admit` consume their units in the order of the calls. */
  inOrder(): CreationStore
  /** Turns the reservation into an upload, as `UploadStore.mint`. */
  record(...args: Parameters<UploadStore['mint']>): Promise<RecordedUpload | null>
}
