/** What Stream is asked for: the reservation in Stream's terms, with our reference in its meta. */
import type { Reservation } from '../ports/upload-store.ts'
import type { StreamVideo, TusOrder, UploadOrder } from '../ports/stream-api.ts'
import { REFERENCE_KEY } from './validate-meta.ts'

/** An order for a basic URL. */
export function orderFrom(
  reservation: Reservation,
  deployment: string,
  thumbnailTimestampPct: number | null,
): UploadOrder {
  const { constraints, name } = reservation
  return {
    maxDurationSeconds: constraints.maxDurationSeconds,
    expiresAt: reservation.expiresAt,
    creator: reservation.creator,
    meta: {
      ...reservation.meta,
      ...(name === null ? {} : { name }),
      [REFERENCE_KEY]: `${deployment}/${reservation.id}`,
    },
    allowedOrigins: constraints.allowedOrigins,
    requireSignedURLs: constraints.requireSignedURLs,
    scheduledDeletion: constraints.scheduledDeletion,
    thumbnailTimestampPct,
  }
}

/** An order for a tus URL, which needs the exact size. */
export function tusOrderFrom(
  reservation: Reservation,
  deployment: string,
  thumbnailTimestampPct: number | null,
): TusOrder {
  return {
    ...orderFrom(reservation, deployment, thumbnailTimestampPct),
    sizeBytes: reservation.constraints.maxSizeBytes,
  }
}

/**
 * The reference that one of our own uploads carries; null for a video of somebody else, such as
 * another gateway on the same account.
 */
export function referenceOf(video: StreamVideo, deployment: string): string | null {
  const carried = video.meta[REFERENCE_KEY]
  const prefix = `${deployment}/`
  if (typeof carried !== 'string' || !carried.startsWith(prefix)) return null
  return carried.slice(prefix.length)
}
