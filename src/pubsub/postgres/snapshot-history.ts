/** From which snapshot a look begins, also where the server may have lost its last transactions. */
import type { Clock } from '../../uploads/dependencies.ts'

/**
 * A server that crashed gives numbers of transactions out again that it had not written to its disk yet,
 * and a standby that took over those that it had not heard of: a snapshot of just before says that it
 * has seen them. One from so long ago, in milliseconds, has not.
 */
export const SAFE_AFTER_MS = 60_000

export interface SnapshotHistory {
  /** Where the next look begins. */
  newest(): string
  /** Everything that was committed before this one was seen. */
  add(snapshot: string): void
  /** The connection was lost: the next look begins with the oldest that is remembered. */
  distrust(): void
}

/** Remembers snapshots for as long as they may be needed, about one a second. */
export function createHistory(clock: Pick<Clock, 'monotonicMs'>): SnapshotHistory {
  let kept: { readonly at: number; readonly snapshot: string }[] = []
  return {
    newest() {
      const last = kept.at(-1)
      if (last === undefined) throw new Error('There is no snapshot yet.')
      return last.snapshot
    },
    add(snapshot) {
      const at = clock.monotonicMs()
      kept.push({ at, snapshot })
      // The oldest that is kept is at least so old, once there is one that old.
      const firstYoung = kept.findIndex((one) => at - one.at < SAFE_AFTER_MS)
      if (firstYoung > 1) kept = kept.slice(firstYoung - 1)
    },
    distrust() {
      kept = kept.slice(0, 1)
    },
  }
}
