/** Calls back when tokens expire. All connections with the same viewer share one timer. */
import type { Dependencies } from '../../uploads/dependencies.ts'
import type { Viewer } from '../../uploads/viewer.ts'
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
  readonly cancellation: AbortController
}

export function createTokenExpiry({
  clock,
  log,
}: Pick<Dependencies, 'clock' | 'log'>): TokenExpiry {
  // An error in one listener must not keep the others from being called.
  const guard = createGuard(log, () => undefined)
  const byViewer = new Map<Viewer, ExpiryTimer>()

  async function wait(viewer: Viewer, { listeners, cancellation }: ExpiryTimer): Promise<void> {
    // The token may have expired already; the listener is added after this returns.
    await Promise.resolve()
    for (;;) {
      const left = (viewer.expiresAt?.getTime() ?? Infinity) - clock.now().getTime()
      if (cancellation.signal.aborted || left <= 0) break
      // Timers have a maximum delay, so the wait may end early.
      await clock.wait(left, cancellation.signal)
    }
    if (cancellation.signal.aborted) return
    byViewer.delete(viewer)
    for (const expired of listeners) guard(expired)()
  }

  function startTimer(viewer: Viewer): ExpiryTimer {
    const timer = { listeners: new Set<() => void>(), cancellation: new AbortController() }
    byViewer.set(viewer, timer)
    void wait(viewer, timer)
    return timer
  }

  return {
    onExpiry(viewer, expired) {
      if (viewer.expiresAt === null) return () => undefined
      const timer = byViewer.get(viewer) ?? startTimer(viewer)
      timer.listeners.add(expired)
      return () => {
        timer.listeners.delete(expired)
        if (timer.listeners.size > 0) return
        // Removed at once: the next caller must not join an aborted wait.
        if (byViewer.get(viewer) === timer) byViewer.delete(viewer)
        timer.cancellation.abort()
      }
    },
  }
}
