/** Tells when tokens lapse: one timer for all that came with the same token. */
import type { Parts } from '../../uploads/dependencies.ts'
import type { Viewer } from '../../uploads/viewer.ts'
import { createGuard } from '../../shared/guard-listener.ts'

export interface Lapses {
  /** Calls `lapsed` when the viewer's token lapses, unless what comes back is called before. */
  watch(viewer: Viewer, lapsed: () => void): () => void
}

interface Watched {
  readonly listeners: Set<() => void>
  readonly over: AbortController
}

export function createLapses({ clock, log }: Pick<Parts, 'clock' | 'log'>): Lapses {
  // What one listener throws keeps no other from being told.
  const guard = createGuard(log, () => undefined)
  const byViewer = new Map<Viewer, Watched>()

  async function wait(viewer: Viewer, { listeners, over }: Watched): Promise<void> {
    // It may have lapsed by now: nobody is told before `watch` has returned.
    await Promise.resolve()
    for (;;) {
      const left = (viewer.expiresAt?.getTime() ?? Infinity) - clock.now().getTime()
      if (over.signal.aborted || left <= 0) break
      // A timer has a longest time; whoever waits longer asks again.
      await clock.wait(left, over.signal)
    }
    if (over.signal.aborted) return
    byViewer.delete(viewer)
    for (const lapsed of listeners) guard(lapsed)()
  }

  function begin(viewer: Viewer): Watched {
    const watched = { listeners: new Set<() => void>(), over: new AbortController() }
    byViewer.set(viewer, watched)
    void wait(viewer, watched)
    return watched
  }

  return {
    watch(viewer, lapsed) {
      if (viewer.expiresAt === null) return () => undefined
      const watched = byViewer.get(viewer) ?? begin(viewer)
      watched.listeners.add(lapsed)
      return () => {
        watched.listeners.delete(lapsed)
        if (watched.listeners.size > 0) return
        // Gone from the book at once: whoever comes next must not join what is over.
        if (byViewer.get(viewer) === watched) byViewer.delete(viewer)
        watched.over.abort()
      }
    },
  }
}
