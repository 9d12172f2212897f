/** Ends a subscription when the token that opened it lapses. */
import type { ChangeQueue } from './changes.ts'
import type { Clock } from './parts.ts'
import type { Viewer } from './viewer.ts'

/** Returns what stops waiting for that, for when the subscription ends earlier. */
export function endWithToken(clock: Clock, viewer: Viewer, queue: ChangeQueue): () => void {
  if (viewer.expiresAt === null) return () => undefined
  const abort = new AbortController()
  const left = viewer.expiresAt.getTime() - clock.now().getTime()
  void clock.wait(Math.max(0, left), abort.signal).then(() => queue.end())
  return () => abort.abort()
}
