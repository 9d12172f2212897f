/** Queue of changes for one reader. When it grows, it keeps only the newest change of each upload. */

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
  return {
    put(change) {
      queued.push(change)
      if (queued.length > MAX_QUEUED_CHANGES) queued = newestOfEach(queued)
      return queued.length <= MAX_QUEUED_UPLOADS
    },
    take: () => queued.shift(),
    isEmpty: () => queued.length === 0,
    clear() {
      queued = []
    },
  }
}

/** Returns the newest change of each upload, ordered by that change. */
function newestOfEach<T extends { readonly uid: string }>(changes: readonly T[]): T[] {
  const newest = new Map<string, T>()
  for (const change of changes) {
    newest.delete(change.uid)
    newest.set(change.uid, change)
  }
  return [...newest.values()]
}
