/** Recent snapshots, to restart catch-up after the server may have lost its last transactions. */
import type { Clock } from '../../shared/clock.ts'

/**
 * Age in milliseconds from which a snapshot is safe to resume from. A crashed server reuses ids of
 * transactions it had not written to disk. A promoted standby reuses those it had not received. A recent
 * snapshot may list such ids as seen.
 */
export const SAFE_AFTER_MS = 60_000

export interface SnapshotHistory {
  /** Returns the snapshot that the next catch-up begins from; throws if there is none. */
  newest(): string
  /** Adds a snapshot; changes committed before it must have been processed. */
  add(snapshot: string): void
  /** After a lost connection: the next catch-up begins from the oldest kept snapshot. */
  rewind(): void
}

/** Keeps snapshots of at least the last SAFE_AFTER_MS, one per catch-up. */
export function createSnapshotHistory(clock: Pick<Clock, 'monotonicMs'>): SnapshotHistory {
  let snapshots: { readonly at: number; readonly snapshot: string }[] = []
  return {
    newest() {
      const last = snapshots.at(-1)
      if (last === undefined) throw new Error('No snapshot has been read yet.')
      return last.snapshot
    },
    add(snapshot) {
      const at = clock.monotonicMs()
      snapshots.push({ at, snapshot })
      // Keeps one snapshot older than SAFE_AFTER_MS, once there is one.
      const firstRecent = snapshots.findIndex((entry) => at - entry.at < SAFE_AFTER_MS)
      if (firstRecent > 1) snapshots = snapshots.slice(firstRecent - 1)
    },
    rewind() {
      snapshots = snapshots.slice(0, 1)
    },
  }
}
