/** Maximum number of open subscriptions per caller. */
export const MAX_SUBSCRIPTIONS_PER_CALLER = 1000

/** Counts the watched uploads and the subscriptions of this process. */
export interface WatchRegistry {
  /**
   * Counts one open subscription and returns the function to call when it ends. Null if the caller has
   * reached MAX_SUBSCRIPTIONS_PER_CALLER.
   */
  openSubscription(caller: string): (() => void) | null
  /** Counts one watcher of the upload; the returned function removes it. */
  watch(uid: string): () => void
  /** Records that the upload was read, so it counts as watched for some seconds. */
  recordView(uid: string, now: Date): void
  /** Uids that are watched, or were viewed in the last seconds. */
  watchedUids(now: Date): ReadonlySet<string>
}
