/** Which uploads somebody is looking at right now: synchronisation asks after those sooner. */

/** How long one look counts, in milliseconds: a page that asks again and again goes on watching. */
const GLANCE_MS = 10_000

/** Counts who watches what, in this process. */
export interface Watchers {
  /** Says that one more watches; call what comes back when it no longer does. */
  watch(uid: string): () => void
  /** Says that somebody looked just now, and may look again. */
  glance(uid: string, now: Date): void
  /** Uids that somebody watches, or looked at lately. */
  watched(now: Date): ReadonlySet<string>
}

export function createWatchers(): Watchers {
  const counts = new Map<string, number>()
  /** Until when a look counts, oldest first. */
  const glances = new Map<string, number>()

  function forgetOldGlances(now: number): void {
    for (const [uid, until] of glances) {
      if (until > now) return
      glances.delete(uid)
    }
  }

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
    glance(uid, now) {
      forgetOldGlances(now.getTime())
      glances.delete(uid)
      glances.set(uid, now.getTime() + GLANCE_MS)
    },
    watched(now) {
      forgetOldGlances(now.getTime())
      return new Set([...counts.keys(), ...glances.keys()])
    },
  }
}
