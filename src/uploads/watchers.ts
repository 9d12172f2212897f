/** Which uploads somebody is looking at right now: synchronisation asks after those sooner. */

/** Counts who watches what, in this process. */
export interface Watchers {
  /** Says that one more watches; call what comes back when it no longer does. */
  watch(uid: string): () => void
  /** Uids that somebody watches. */
  watched(): ReadonlySet<string>
}

export function createWatchers(): Watchers {
  const counts = new Map<string, number>()
  return {
    watch(uid) {
      counts.set(uid, (counts.get(uid) ?? 0) + 1)
      let watching = true
      return () => {
        if (!watching) return
        watching = false
        const left = (counts.get(uid) ?? 1) - 1
        if (left === 0) counts.delete(uid)
        else counts.set(uid, left)
      }
    },
    watched: () => new Set(counts.keys()),
  }
}
