/** Converts a reservation to Stream params, with the gateway's reference in `meta`. */
import type { Reservation } from '../ports/upload-store.ts'
import type { TusUploadParams, DirectUploadParams } from '../ports/stream-api.ts'
import type { JsonObject } from '../../shared/json.ts'
import { REFERENCE_KEY } from '../reference.ts'
import type { UploadSpec } from '../upload.ts'

/** Returns the metadata for Stream, with the gateway's reference. */
export function toStreamMeta(
  { id, name, meta }: Pick<UploadSpec, 'id' | 'name' | 'meta'>,
  deployment: string,
): JsonObject {
  return { ...meta, ...(name === null ? {} : { name }), [REFERENCE_KEY]: `${deployment}/${id}` }
}

/** Returns the params of a basic upload. */
export function toDirectUploadParams(
  reservation: Reservation,
  deployment: string,
  thumbnailTimestampPct: number | null,
): DirectUploadParams {
  const { constraints } = reservation
  return {
    maxDurationSeconds: constraints.maxDurationSeconds,
    expiresAt: reservation.expiresAt,
    creator: reservation.creator,
    meta: toStreamMeta(reservation, deployment),
    allowedOrigins: constraints.allowedOrigins,
    requireSignedURLs: constraints.requireSignedURLs,
    scheduledDeletion: constraints.scheduledDeletion,
    thumbnailTimestampPct,
  }
}

/** Returns the params of a tus upload, for which `maxSizeBytes` is the exact file size. */
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
