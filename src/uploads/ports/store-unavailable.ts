/** The database cannot be asked right now: what every keeper throws then. */

/**
 * The database does not answer, or not in time. What was to be written was not promised to anybody;
 * whoever tries again in a moment may succeed. The cause says why, for the log only: it may name
 * hosts.
 */
export class StoreUnavailable extends Error {
  override readonly name = 'StoreUnavailable'
  /** Seconds after which trying again makes sense. */
  readonly retryAfterSeconds = 1
  /** For operators: the problem and what to do, without secrets; null where only the cause tells. */
  readonly reason: string | null

  constructor(cause: unknown, reason: string | null = null) {
    super(reason ?? 'The database does not answer.', { cause })
    this.reason = reason
  }
}
