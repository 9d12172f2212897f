/** Ends a subscription before its time: when its token lapses, or when the gateway closes. */
import type { ChangeQueue } from './watch/change-stream.ts'
import type { Parts } from './dependencies.ts'
import type { Viewer } from './viewer.ts'

/** Returns what stops waiting for that, for when the subscription ends by itself. */
export function endEarly(
  { clock, closing }: Pick<Parts, 'clock' | 'closing'>,
  viewer: Viewer,
  queue: ChangeQueue,
): () => void {
  const over = new AbortController()
  if (closing.aborted) queue.end()
  closing.addEventListener('abort', queue.end, { once: true, signal: over.signal })
  if (viewer.expiresAt !== null) {
    const left = viewer.expiresAt.getTime() - clock.now().getTime()
    void clock.wait(Math.max(0, left), over.signal).then(queue.end)
  }
  return () => over.abort()
}
