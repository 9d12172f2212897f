/** Finds out what became of one reservation, for a caller who came back with its key. */
import type { Reservation } from './ports/upload-store.ts'
import { StreamError } from './ports/stream-error.ts'
import { SETTLE_AFTER_MS, clearOrphans } from './sync/delete-orphans.ts'
import type { Parts } from './dependencies.ts'

/**
 * `released`: whatever Stream had made for it is deleted, and it is gone. `open`: too early to say,
 * or Stream does not answer; ask again later.
 */
export async function settleReservation(
  parts: Pick<Parts, 'stream' | 'store' | 'clock' | 'log'>,
  reservation: Reservation,
): Promise<'released' | 'open'> {
  const age = parts.clock.now().getTime() - reservation.createdAt.getTime()
  if (age < SETTLE_AFTER_MS) return 'open'
  try {
    await clearOrphans(parts, [reservation], null, reservation.creator)
    const fate = (await parts.store.knownReferences([reservation.id])).get(reservation.id)
    return fate === undefined || fate.retired ? 'released' : 'open'
  } catch (error) {
    if (!(error instanceof StreamError)) throw error
    parts.log.warn({ reference: reservation.id, kind: error.kind }, 'reservation not settled yet')
    return 'open'
  }
}
