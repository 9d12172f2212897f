/** Converts a reservation to Stream params, with the gateway's reference in `meta`. */
import type { Reservation } from '../ports/upload-store.ts'
import type { TusUploadParams, DirectUploadParams } from '../ports/stream-api.ts'
import { REFERENCE_KEY } from '../reference.ts'

/** Params of a basic URL. */
export function toDirectUploadParams(
  reservation: Reservation,
  deployment: string,
  thumbnailTimestampPct: number | null,
): DirectUploadParams {
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

/** Params of a tus URL; `maxSizeBytes` is the exact size there. */
export function toTusUploadParams(
  reservation: Reservation,
  deployment: string,
  thumbnailTimestampPct: number | null,
): TusUploadParams {
  return {
    ...toDirectUploadParams(reservation, deployment, thumbnailTimestampPct),
    sizeBytes: reservation.constraints.maxSizeBytes,
  }
}
