/** Calls back when tokens expire. All connections with the same viewer share one timer. */
import type { Dependencies } from '../../uploads/dependencies.ts'
import type { Viewer } from '../../uploads/viewer.ts'
import { callAt } from '../../shared/clock.ts'
import { createGuard } from '../../shared/guard-listener.ts'

export interface TokenExpiry {
  /**
   * Calls `expired` when the viewer's token expires, never before `onExpiry` has returned. Returns a
   * function that cancels this.
   */
  onExpiry(viewer: Viewer, expired: () => void): () => void
}

interface ExpiryTimer {
  readonly listeners: Set<() => void>
  readonly cancel: () => void
}

export function createTokenExpiry({
  clock,
  log,
}: Pick<Dependencies, 'clock' | 'log'>): TokenExpiry {
  // An error in one listener must not keep the others from being called.
  const guard = createGuard(log, () => undefined)
  const byViewer = new Map<Viewer, ExpiryTimer>()

  function startTimer(viewer: Viewer, expiresAt: Date): ExpiryTimer {
    const listeners = new Set<() => void>()
    const cancel = callAt(clock, expiresAt, () => {
      byViewer.delete(viewer)
      for (const expired of listeners) guard(expired)()
    })
    const timer = { listeners, cancel }
    byViewer.set(viewer, timer)
    return timer
  }

  return {
    onExpiry(viewer, expired) {
      const { expiresAt } = viewer
      if (expiresAt === null) return () => undefined
      const timer = byViewer.get(viewer) ?? startTimer(viewer, expiresAt)
      timer.listeners.add(expired)
      return () => {
        timer.listeners.delete(expired)
        if (timer.listeners.size > 0) return
        // Removed immediately: the next caller must not join a cancelled timer.
        if (byViewer.get(viewer) === timer) byViewer.delete(viewer)
        timer.cancel()
      }
    },
  }
}
