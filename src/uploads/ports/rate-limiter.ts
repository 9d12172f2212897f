/** The port by which gateways that share it bound what is done: so often, and no oftener. */

/** So many in any span of time. */
export interface Allowance {
  /** A whole number, of at least 1. */
  readonly most: number
  readonly spanMs: number
}

/** The longest hold, in milliseconds. One that ends later was written by a clock that was wrong: it is over. */
export const LONGEST_HOLD_MS = 600_000

/**
 * Who did how much lately, for all gateways that share it. The adapter's own clock decides: a clock that
 * is never set back within one process, the server's for gateways that share a database. Of what stands
 * under one key, the longest span is the same for every caller; shorter ones, and how many each allows,
 * may differ. What is exactly as old as a span is over. Where the clock is set back all the same, what
 * lies in its future counts as done now, from then on: whoever is refused by it waits for one span at
 * most. Rejects where what is kept cannot be reached: then nothing is known, and nobody may go on.
 */
export interface Allowances {
  /**
   * Counts one more under the key, where every allowance has room for it and nothing holds the key,
   * and gives null. Else counts nothing, and gives the whole seconds, at least 1, after which there
   * is room in all of them if nobody else takes it. What is taken within no allowance is refused by
   * a hold only, and need not be remembered.
   */
  take(key: string, within: readonly Allowance[]): Promise<number | null>
  /**
   * Nothing is taken under the key for so many milliseconds, at most LONGEST_HOLD_MS; of two holds, the
   * later end wins.
   */
  hold(key: string, milliseconds: number): Promise<void>
  /** How many were taken under the key in the last so many milliseconds, one of its spans. */
  taken(key: string, spanMs: number): Promise<number>
}
