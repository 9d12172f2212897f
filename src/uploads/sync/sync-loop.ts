/** Synchronizes repeatedly until shutdown. */
import { StoreUnavailable } from '../ports/store-unavailable.ts'
import type { SyncDependencies, Synchronizer } from './synchronizer.ts'
import type { SyncReport } from '../ports/telemetry.ts'

/** Interval between two sync runs in milliseconds, and thus the longest delay of a change without a webhook. */
const SYNC_INTERVAL_MS = 1000

/** Synchronizes at an interval, and logs failed sync runs. Resolves on shutdown, after the current sync run. */
export async function runSyncLoop(
  dependencies: SyncDependencies,
  synchronizer: Synchronizer,
): Promise<void> {
  const { clock, closing, log } = dependencies
  while (!closing.aborted) {
    try {
      const report = await runMeasuredSync(dependencies, synchronizer)
      if (report.changed + report.orphansDeleted > 0) {
        const { polled, changed, orphansDeleted } = report
        log.debug({ polled, changed, orphansDeleted }, 'sync run completed')
      }
    } catch (error) {
      // A temporary condition that /readyz reports, not an error of the gateway.
      if (error instanceof StoreUnavailable) {
        log.warn({ err: error }, 'database unavailable; sync retried in the next run')
      } else {
        log.error({ err: error }, 'sync run failed; retried in the next run')
      }
    }
    await clock.wait(SYNC_INTERVAL_MS, closing)
  }
  await synchronizer.idle()
}

/** Performs one sync run in a span and records its metrics. */
export function runMeasuredSync(
  { telemetry }: Pick<SyncDependencies, 'telemetry'>,
  synchronizer: Synchronizer,
): Promise<SyncReport> {
  return telemetry.inSpan('sync', 'internal', {}, async (span) => {
    const startedAt = performance.now()
    let report: SyncReport | null = null
    try {
      report = await synchronizer.run()
      span.setAttributes({
        polled: report.polled,
        changed: report.changed,
        orphans_deleted: report.orphansDeleted,
      })
      return report
    } finally {
      telemetry.syncCompleted(report, (performance.now() - startedAt) / 1000)
    }
  })
}
