/** Which uploads are asked after at this moment: known to the one gateway that there is, and to no file. */
import type { DueUpload } from '../../uploads/ports/upload-store.ts'

export interface Claims {
  /** Those that nobody claimed for longer than now, so many at most; they are claimed from now on. */
  take(due: readonly DueUpload[], limit: number, now: Date, until: Date): readonly DueUpload[]
  /** It has been decided anew when to ask after this one. */
  drop(uid: string): void
  /** How many there are, those that are over among them. */
  count(): number
}

export function createClaims(): Claims {
  /** Until when, by uid. */
  const claims = new Map<string, number>()
  return {
    take(due, limit, now, until) {
      // Nobody claims for longer than until then: one that does was made before the clock was set back.
      const isOver = (claimedUntil: number): boolean =>
        claimedUntil <= now.getTime() || claimedUntil > until.getTime()
      const free = due.filter(({ upload }) => isOver(claims.get(upload.uid) ?? 0))
      const taken = free.slice(0, limit)
      for (const { upload } of taken) claims.set(upload.uid, until.getTime())
      return taken
    },
    drop: (uid) => void claims.delete(uid),
    count: () => claims.size,
  }
}
