/** What waits for one reader: every change while they are few, the newest of each upload beyond that. */

/** Changes that are kept one by one; a slower reader gets the newest state of each upload. */
const MOST_KEPT = 32
/** Different uploads that are kept for one reader; a reader slower than that is let go. */
const MOST_UPLOADS = 1000

export interface Backlog<T extends { readonly uid: string }> {
  /** False where the reader is so slow that it is to be let go. */
  put(change: T): boolean
  /** The next in order; undefined where nothing waits. */
  take(): T | undefined
  isEmpty(): boolean
  clear(): void
}

export function createBacklog<T extends { readonly uid: string }>(): Backlog<T> {
  let kept: T[] = []
  return {
    put(change) {
      kept.push(change)
      if (kept.length > MOST_KEPT) kept = newestOfEach(kept)
      return kept.length <= MOST_UPLOADS
    },
    take: () => kept.shift(),
    isEmpty: () => kept.length === 0,
    clear() {
      kept = []
    },
  }
}

/** The newest of each upload, in the order of their latest change. */
function newestOfEach<T extends { readonly uid: string }>(changes: readonly T[]): T[] {
  const newest = new Map<string, T>()
  for (const change of changes) {
    newest.delete(change.uid)
    newest.set(change.uid, change)
  }
  return [...newest.values()]
}
