/** Reserved and stored seconds of the account, a creator or a video. */
import type { EmulatorDatabase } from './database.ts'
import { reservedSeconds, storedSeconds, type Video } from './video.ts'

/** Sums over the account, a creator or one video. */
export interface StorageTotals {
  readonly reservedSeconds: number
  readonly storedSeconds: number
  /** Number of videos with stored seconds. */
  readonly videoCount: number
}

export const NO_STORAGE: StorageTotals = { reservedSeconds: 0, storedSeconds: 0, videoCount: 0 }

/**
 * Sums `reservedSeconds` and `storedSeconds` over rows. The SQL must follow their rules.
 * @param creator null sums over the whole account, which reads every row
 */
export function storageTotals(
  database: EmulatorDatabase,
  now: number,
  creator: string | null = null,
): StorageTotals {
  const row = database
    .prepare<
      { now: number; creator: string | null },
      { reserved: number | null; stored: number | null; ready: number | null }
    >(
      `SELECT
         sum(CASE WHEN received_at IS NULL AND upload_expiry > @now THEN max_duration_seconds
                  WHEN received_at IS NOT NULL AND (media IS NULL OR finishes_at > @now)
                  THEN max_duration_seconds ELSE 0 END) AS reserved,
         sum(CASE WHEN finishes_at <= @now THEN coalesce(stored_seconds, 0) ELSE 0 END) AS stored,
         sum(CASE WHEN finishes_at <= @now AND stored_seconds > 0 THEN 1 ELSE 0 END) AS ready
       FROM videos ${creator === null ? '' : 'WHERE creator = @creator'}`,
    )
    .get({ now, creator })
  return {
    reservedSeconds: row?.reserved ?? 0,
    storedSeconds: row?.stored ?? 0,
    videoCount: row?.ready ?? 0,
  }
}

/** Returns one video's share of the totals. */
export function storageUsedBy(video: Video, now: number): StorageTotals {
  const stored = storedSeconds(video, now)
  return {
    reservedSeconds: reservedSeconds(video, now),
    storedSeconds: stored,
    videoCount: stored > 0 ? 1 : 0,
  }
}
