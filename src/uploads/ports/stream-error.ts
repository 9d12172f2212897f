/**
 * The error of every failed Stream call. Messages are written by the gateway and contain no token, one-time
 * URL or response body, so they can be logged and shown to clients.
 */

/**
 * Kind of failure:
 * - `unavailable`: no usable response (timeout, connection error, 5xx, not JSON)
 * - `rate-limited`: 429, or the gateway's own request budget is used up
 * - `quota`: the account's storage is used up (413 with code 10011)
 * - `invalid`: Stream rejected the request (other 4xx), or the adapter does not support the call
 * - `unauthorized`: Stream rejected the token or account (401, 403)
 */
export type StreamErrorKind = 'unavailable' | 'rate-limited' | 'quota' | 'invalid' | 'unauthorized'

/** Details of a failed call besides its message. */
export interface StreamErrorDetails {
  readonly kind: StreamErrorKind
  /**
   * True if Stream may have executed the request anyway (broken connection, timeout, 5xx). Such a failed
   * creation may leave a video behind.
   */
  readonly mayHaveSucceeded: boolean
  /** HTTP status; null if no response arrived. */
  readonly status: number | null
  /** Stream's own error codes, such as 10005. */
  readonly codes: readonly number[]
  /** Stream's Retry-After in seconds; null if absent. */
  readonly retryAfterSeconds: number | null
}

/** Thrown by every adapter of the StreamApi port. */
export class StreamError extends Error {
  override readonly name = 'StreamError'
  readonly kind: StreamErrorKind
  readonly mayHaveSucceeded: boolean
  readonly status: number | null
  readonly codes: readonly number[]
  readonly retryAfterSeconds: number | null

  constructor(message: string, details: StreamErrorDetails, options?: ErrorOptions) {
    super(message, options)
    this.kind = details.kind
    this.mayHaveSucceeded = details.mayHaveSucceeded
    this.status = details.status
    this.codes = details.codes
    this.retryAfterSeconds = details.retryAfterSeconds
  }

  /** Whether the same call may succeed later. */
  get retryable(): boolean {
    return this.kind === 'unavailable' || this.kind === 'rate-limited'
  }
}
