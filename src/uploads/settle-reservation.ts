/**
 * Finds out what became of a reservation whose answer was lost (a crash, a time-out, a cut
 * connection between Stream's work and its answer), and leaves nothing behind.
 */
import type { Reservation } from '../store/store.ts'
import { StreamError } from '../stream/errors.ts'
import { referenceOf } from './order.ts'
import type { Parts } from './parts.ts'

/** A creation that was asked for this long ago is not on its way any more. Milliseconds. */
export const SETTLE_AFTER_MS = 30_000
/** Clocks differ: look for the video from a little before we asked. */
const CLOCK_DIFFERENCE_MS = 300_000

/**
 * `released`: whatever Stream had made is deleted, and the reservation is gone. `open`: too early to
 * say, or Stream does not answer; ask again later.
 *
 * The one-time URL came with the lost answer only, and Stream never tells it again: a video found
 * here cannot be adopted by anybody, so it is deleted, and a caller who comes back gets a new one.
 */
export async function settleReservation(
  { stream, store, clock, log }: Pick<Parts, 'stream' | 'store' | 'clock' | 'log'>,
  reservation: Reservation,
): Promise<'released' | 'open'> {
  const age = clock.now().getTime() - reservation.createdAt.getTime()
  if (age < SETTLE_AFTER_MS) return 'open'
  try {
    const { videos } = await stream.listVideos({
      creator: reservation.creator,
      state: 'pendingupload',
      createdAfter: new Date(reservation.createdAt.getTime() - CLOCK_DIFFERENCE_MS),
      ascending: true,
    })
    for (const video of videos) {
      if (referenceOf(video, store.deployment) !== reservation.id) continue
      await stream.deleteVideo(video.uid)
      log.info({ uid: video.uid, reference: reservation.id }, 'orphan deleted at Stream')
    }
  } catch (error) {
    if (!(error instanceof StreamError)) throw error
    log.warn({ reference: reservation.id, kind: error.kind }, 'reservation not settled yet')
    return 'open'
  }
  await store.release(reservation.id)
  return 'released'
}
