/** Runs synchronisation round after round until the gateway closes. */
import { type SyncParts, type Synchroniser } from './sync-uploads.ts'

/** Pause between two rounds, in milliseconds: what somebody who watches waits for at most. */
export const ROUND_MS = 1000

/** Resolves when the gateway closes and the round under way is over. A round that fails is logged. */
export async function keepInSync(
  { clock, closing, log }: SyncParts,
  synchroniser: Synchroniser,
): Promise<void> {
  while (!closing.aborted) {
    try {
      const report = await synchroniser.round()
      if (report.changed + report.orphans > 0) log.debug(report, 'synchronised')
    } catch (error) {
      log.error({ err: error }, 'synchronisation failed; the next round tries again')
    }
    await clock.wait(ROUND_MS, closing)
  }
  await synchroniser.idle()
}
