/**
 * Trouble with Cloudflare Stream, in one shape. The message is written by us and holds no token,
 * no one-time URL and no raw answer, so that it can be logged and shown.
 */

/**
 * What went wrong:
 * - `unavailable`: no usable answer (time-out, connection, 5xx, not JSON)
 * - `rate-limited`: 429, or our own budget is spent
 * - `quota`: the account's storage is spent (413 with code 10011)
 * - `invalid`: Stream refused the request as wrong (other 4xx), or this way to it has no such call
 * - `unauthorized`: the token or account is not accepted (401, 403)
 */
export type StreamErrorKind = 'unavailable' | 'rate-limited' | 'quota' | 'invalid' | 'unauthorized'

/** What is known about a failed call besides its sentence. */
export interface StreamErrorFacts {
  readonly kind: StreamErrorKind
  /**
   * True where Stream may have done the work all the same (a cut connection, a time-out, a 5xx).
   * A creation that fails like this may have left a video behind.
   */
  readonly mayHaveHappened: boolean
  /** HTTP status; null where none arrived. */
  readonly status: number | null
  /** Stream's own error codes, such as 10005. */
  readonly codes: readonly number[]
  /** Seconds that Stream asked us to wait; null where it did not say. */
  readonly retryAfterSeconds: number | null
}

/** Thrown by every keeper of the StreamBackend port. */
export class StreamError extends Error {
  override readonly name = 'StreamError'
  readonly kind: StreamErrorKind
  readonly mayHaveHappened: boolean
  readonly status: number | null
  readonly codes: readonly number[]
  readonly retryAfterSeconds: number | null

  constructor(message: string, facts: StreamErrorFacts, options?: ErrorOptions) {
    super(message, options)
    this.kind = facts.kind
    this.mayHaveHappened = facts.mayHaveHappened
    this.status = facts.status
    this.codes = facts.codes
    this.retryAfterSeconds = facts.retryAfterSeconds
  }

  /** Whether the same call may succeed later. */
  get retryable(): boolean {
    return this.kind === 'unavailable' || this.kind === 'rate-limited'
  }
}
