/** Queue of changes for one reader. Once it has grown, it keeps only the newest change of each upload until it is empty. */

/** Changes that are queued without coalescing. */
const MAX_QUEUED_CHANGES = 32
/** Maximum number of different uploads in the queue; a slower reader is disconnected. */
const MAX_QUEUED_UPLOADS = 1000

export interface CoalescingQueue<T extends { readonly uid: string }> {
  /** Returns false if the queue is full and the reader must be disconnected. */
  put(change: T): boolean
  /** Removes and returns the next change; undefined if empty. */
  take(): T | undefined
  isEmpty(): boolean
  clear(): void
}

export function createCoalescingQueue<T extends { readonly uid: string }>(): CoalescingQueue<T> {
  let queued: T[] = []
  /** Instead of `queued`, once that has grown: the newest change of each upload, ordered by that change. */
  let newest: Map<string, T> | null = null

  function putNewest(changes: Map<string, T>, change: T): void {
    changes.delete(change.uid)
    changes.set(change.uid, change)
  }

  return {
    put(change) {
      if (newest === null) {
        queued.push(change)
        if (queued.length <= MAX_QUEUED_CHANGES) return true
        newest = new Map()
        for (const earlier of queued) putNewest(newest, earlier)
        queued = []
      } else {
        putNewest(newest, change)
      }
      return newest.size <= MAX_QUEUED_UPLOADS
    },
    take() {
      if (newest === null) return queued.shift()
      const [next] = newest.values()
      if (next !== undefined) newest.delete(next.uid)
      if (newest.size === 0) newest = null
      return next
    },
    isEmpty: () => queued.length === 0 && newest === null,
    clear() {
      queued = []
      newest = null
    },
  }
}
