/** Deletes old deliveries from time to time, in small steps: no step may hold up the other work of a gateway. */
import type { CallbackStore } from '../uploads/ports/callback-store.ts'

/** Interval in milliseconds between cleanups, and deliveries per step. The next step follows in the next sync run. */
const CLEANUP_INTERVAL_MS = 600_000
const STEP = 500

/** Returns a function for each call of `runMaintenance`. */
export function createCallbackCleanup({
  deleteOldDeliveries,
}: Pick<CallbackStore, 'deleteOldDeliveries'>): (now: Date) => Promise<void> {
  let nextAt = -Infinity
  return async (now) => {
    const at = now.getTime()
    // Also after the clock was set back.
    if (at < nextAt && nextAt - at <= CLEANUP_INTERVAL_MS) return
    const deleted = await deleteOldDeliveries(now, STEP)
    nextAt = deleted < STEP ? at + CLEANUP_INTERVAL_MS : at
  }
}
