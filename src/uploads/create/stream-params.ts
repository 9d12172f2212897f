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

/** Settings that are sent to Stream and are not part of the reservation. */
export type UnrecordedSettings = Pick<DirectUploadParams, 'thumbnailTimestampPct' | 'watermarkUid'>

/** Returns the params of a basic upload. */
export function toDirectUploadParams(
  reservation: Reservation,
  deployment: string,
  unrecorded: UnrecordedSettings,
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
    ...unrecorded,
  }
}

/** Returns the params of a tus upload, for which `maxSizeBytes` is the exact file size. */
export function toTusUploadParams(
  reservation: Reservation,
  deployment: string,
  unrecorded: UnrecordedSettings,
): TusUploadParams {
  return {
    ...toDirectUploadParams(reservation, deployment, unrecorded),
    sizeBytes: reservation.constraints.maxSizeBytes,
  }
}
