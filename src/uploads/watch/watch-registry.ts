/** In-process watch registry: sync runs poll watched and recently viewed uploads sooner. */

import { addReference } from '../../shared/ref-count.ts'
import { type WatchRegistry, MAX_SUBSCRIPTIONS_PER_CALLER } from '../ports/watch-registry.ts'

/**
 * How long a view counts at least, in milliseconds, so that a polling page keeps watching. A view is stored
 * for STORED_VIEW_MS, so that repeated views update the map only every few seconds.
 */
const VIEW_MS = 10_000
const STORED_VIEW_MS = 15_000

export function createWatchRegistry(): WatchRegistry {
  const subscriptions = new Map<string, number>()
  const watchers = new Map<string, number>()
  /** Expiry of each view (milliseconds), oldest first. */
  const views = new Map<string, number>()

  function deleteExpiredViews(now: number): void {
    for (const [uid, until] of views) {
      // An expiry further ahead than STORED_VIEW_MS means that the clock was set back.
      if (until > now && until <= now + STORED_VIEW_MS) return
      views.delete(uid)
    }
  }

  return {
    openSubscription: (caller) =>
      (subscriptions.get(caller) ?? 0) >= MAX_SUBSCRIPTIONS_PER_CALLER
        ? null
        : addReference(subscriptions, caller),
    watch: (uid) => addReference(watchers, uid),
    recordView(uid, now) {
      const time = now.getTime()
      const until = views.get(uid) ?? 0
      if (until >= time + VIEW_MS && until <= time + STORED_VIEW_MS) return
      deleteExpiredViews(time)
      views.delete(uid)
      views.set(uid, time + STORED_VIEW_MS)
    },
    watchedUids(now) {
      deleteExpiredViews(now.getTime())
      return new Set([...watchers.keys(), ...views.keys()])
    },
  }
}
