/** The error that every store adapter throws when the database does not respond. */

/**
 * The database does not respond, or not in time. The write was not confirmed; a retry may succeed. `cause`
 * is for the log only: it may contain host names.
 */
export class StoreUnavailable extends Error {
  override readonly name = 'StoreUnavailable'
  /** Seconds after which a retry makes sense. */
  readonly retryAfterSeconds = 1
  /** The problem and its fix for operators, without secrets; null if only the cause describes it. */
  readonly reason: string | null

  constructor(cause: unknown, reason: string | null = null) {
    super(reason ?? 'The database is unavailable.', { cause })
    this.reason = reason
  }
}
