/** Runs synchronisation round after round until the gateway closes. */
import { StoreUnavailable } from '../ports/store-unavailable.ts'
import type { SyncParts, SyncReport, Synchroniser } from './synchronizer.ts'

/** Pause between two rounds, in milliseconds: what somebody who watches waits for at most. */
export const ROUND_MS = 1000

/** Resolves when the gateway closes and the round under way is over. A round that fails is logged. */
export async function keepInSync(parts: SyncParts, synchroniser: Synchroniser): Promise<void> {
  const { clock, closing, log } = parts
  while (!closing.aborted) {
    try {
      const report = await measuredRound(parts, synchroniser)
      if (report.changed + report.orphans > 0) log.debug(report, 'synchronised')
    } catch (error) {
      // Expected to end, and said by /readyz: not a fault of the gateway.
      if (error instanceof StoreUnavailable) {
        log.warn({ err: error }, 'database unavailable; the next sync round tries again')
      } else {
        log.error({ err: error }, 'synchronisation failed; the next round tries again')
      }
    }
    await clock.wait(ROUND_MS, closing)
  }
  await synchroniser.idle()
}

/** One round, told to whoever operates the gateway. */
export function measuredRound(
  { telemetry }: Pick<SyncParts, 'telemetry'>,
  synchroniser: Synchroniser,
): Promise<SyncReport> {
  return telemetry.inSpan('synchronisation', 'internal', {}, async (span) => {
    const startedAt = performance.now()
    let report: SyncReport | null = null
    try {
      report = await synchroniser.round()
      span.note({ asked: report.asked, changed: report.changed, orphans: report.orphans })
      return report
    } finally {
      telemetry.synchronised(report, (performance.now() - startedAt) / 1000)
    }
  })
}
