/** Who watches, in one isolate; looks are told to the hub, which asks Stream for those who look. */
import { type Watchers, createWatchers } from '../../uploads/watch/watch-registry.ts'

/** How often one upload's looks are told, in milliseconds: half as long as a look counts. */
const TELL_EVERY_MS = 5000
/** Uploads of which it is remembered when they were told. */
const MOST_REMEMBERED = 1000

/** @param tell says that somebody looks at this upload. Never fails and never blocks. */
export function createHubWatchers(tell: (uid: string) => void): Watchers {
  const own = createWatchers()
  /** When each was told last, oldest first. */
  const told = new Map<string, number>()

  return {
    ...own,
    glance(uid, now) {
      const at = now.getTime()
      if (Math.abs(at - (told.get(uid) ?? -Infinity)) < TELL_EVERY_MS) return
      told.delete(uid)
      told.set(uid, at)
      if (told.size > MOST_REMEMBERED)
        for (const oldest of told.keys()) {
          told.delete(oldest)
          break
        }
      tell(uid)
    },
  }
}
