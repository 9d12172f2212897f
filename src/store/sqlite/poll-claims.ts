/** Claims of uploads due for a poll, in memory: only one gateway works on the file. */
import type { DueUpload } from '../../uploads/ports/upload-store.ts'

export interface PollClaims {
  /** Claims and returns up to `limit` uploads without an active claim, until `until`. */
  claim(due: readonly DueUpload[], limit: number, now: Date, until: Date): readonly DueUpload[]
  /** Deletes the claim, because the upload was changed or rescheduled. */
  drop(uid: string): void
  /** Number of claims, expired ones included. */
  count(): number
}

export function createPollClaims(): PollClaims {
  /** End of each claim in milliseconds since 1970, by uid. */
  const claims = new Map<string, number>()
  return {
    claim(due, limit, now, until) {
      // No claim lasts beyond `until`: a later end was written before the clock was set back.
      const hasExpired = (claimedUntil: number): boolean =>
        claimedUntil <= now.getTime() || claimedUntil > until.getTime()
      const unclaimed = due.filter(({ upload }) => hasExpired(claims.get(upload.uid) ?? 0))
      const claimed = unclaimed.slice(0, limit)
      for (const { upload } of claimed) claims.set(upload.uid, until.getTime())
      return claimed
    },
    drop: (uid) => void claims.delete(uid),
    count: () => claims.size,
  }
}
