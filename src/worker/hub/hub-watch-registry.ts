/** Watch registry of one isolate; reports views to the hub, which polls Stream for viewed uploads. */
import { createWatchRegistry } from '../../uploads/watch/watch-registry.ts'
import { type WatchRegistry } from '../../uploads/ports/watch-registry.ts'

/** Interval of one upload's reports in milliseconds: half the time that a view counts. */
const REPORT_INTERVAL_MS = 5000

/** Maximum number of uploads whose last report time is stored. */
const MAX_TRACKED_UPLOADS = 1000

/** @param report reports a view of the upload to the hub. Must not throw or block. */
export function createHubWatchRegistry(report: (uid: string) => void): WatchRegistry {
  const registry = createWatchRegistry()
  /** Time of the last report of each upload, oldest first. */
  const reportedAt = new Map<string, number>()

  return {
    ...registry,
    recordView(uid, now) {
      const at = now.getTime()
      if (Math.abs(at - (reportedAt.get(uid) ?? -Infinity)) < REPORT_INTERVAL_MS) return
      reportedAt.delete(uid)
      reportedAt.set(uid, at)
      if (reportedAt.size > MAX_TRACKED_UPLOADS)
        for (const oldest of reportedAt.keys()) {
          reportedAt.delete(oldest)
          break
        }
      report(uid)
    },
  }
}
