/** Determines the outcome of one reservation, for a retry with its idempotency key. */
import type { Reservation } from '../ports/upload-store.ts'
import { StreamError } from '../ports/stream-error.ts'
import { RESOLVE_AFTER_MS, deleteOrphans } from '../sync/delete-orphans.ts'
import type { Dependencies } from '../dependencies.ts'

/**
 * `released`: the reservation is retired and any video of it deleted. `open`: too early to decide, or Stream
 * does not respond; the caller retries later.
 */
export async function resolveReservation(
  dependencies: Pick<Dependencies, 'stream' | 'store' | 'clock' | 'log'>,
  reservation: Reservation,
): Promise<'released' | 'open'> {
  const age = dependencies.clock.now().getTime() - reservation.createdAt.getTime()
  if (age < RESOLVE_AFTER_MS) return 'open'
  try {
    await deleteOrphans(dependencies, [reservation], null, reservation.creator)
    const outcome = (await dependencies.store.findReferences([reservation.id])).get(reservation.id)
    return outcome === undefined || outcome.retired ? 'released' : 'open'
  } catch (error) {
    if (!(error instanceof StreamError)) throw error
    dependencies.log.warn(
      { uploadId: reservation.id, errorKind: error.kind },
      'resolving a reservation failed; retried later',
    )
    return 'open'
  }
}
