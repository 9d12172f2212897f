/** Runs synchronisation round after round until it is told to stop. */
import { syncUploads } from './sync-uploads.ts'

/** Pause between two rounds, in milliseconds: what somebody who watches waits for at most. */
export const ROUND_MS = 1500

/** Resolves when the signal is given and the round under way is over. A round that fails is logged. */
export async function keepInSync(
  parts: Parameters<typeof syncUploads>[0],
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    try {
      const report = await syncUploads(parts)
      if (report.changed + report.settled > 0) parts.log.debug(report, 'synchronised')
    } catch (error) {
      parts.log.error({ err: error }, 'synchronisation failed; the next round tries again')
    }
    await parts.clock.wait(ROUND_MS, signal)
  }
}
