/** Which uploads somebody is looking at right now: synchronisation asks after those sooner. */

import { countOne } from '../../shared/ref-count.ts'

/**
 * How long one look counts at least, in milliseconds: a page that asks again and again goes on watching.
 * Noted for longer, so that of looks that follow each other only the first of some seconds is noted.
 */
const GLANCE_MS = 10_000
const NOTED_MS = 15_000

/** Open subscriptions of one caller. */
export const MOST_SUBSCRIPTIONS = 1000

/** Counts who watches what, in this process. */
export interface Watchers {
  /**
   * Counts one more open subscription of this caller; call what comes back when it ends. Null where
   * the caller has as many as anybody may.
   */
  enter(caller: string): (() => void) | null
  /** Says that one more watches; call what comes back when it no longer does. */
  watch(uid: string): () => void
  /** Says that somebody looked just now, and may look again. */
  glance(uid: string, now: Date): void
  /** Uids that somebody watches, or looked at lately. */
  watched(now: Date): ReadonlySet<string>
}

export function createWatchers(): Watchers {
  const open = new Map<string, number>()
  const counts = new Map<string, number>()
  /** Until when a look counts, oldest first. */
  const glances = new Map<string, number>()

  function forgetOldGlances(now: number): void {
    for (const [uid, until] of glances) {
      // One that lies further ahead than it was noted for: the clock was set back.
      if (until > now && until <= now + NOTED_MS) return
      glances.delete(uid)
    }
  }

  return {
    enter: (caller) =>
      (open.get(caller) ?? 0) >= MOST_SUBSCRIPTIONS ? null : countOne(open, caller),
    watch: (uid) => countOne(counts, uid),
    glance(uid, now) {
      const time = now.getTime()
      const until = glances.get(uid) ?? 0
      if (until >= time + GLANCE_MS && until <= time + NOTED_MS) return
      forgetOldGlances(time)
      glances.delete(uid)
      glances.set(uid, time + NOTED_MS)
    },
    watched(now) {
      forgetOldGlances(now.getTime())
      return new Set([...counts.keys(), ...glances.keys()])
    },
  }
}
