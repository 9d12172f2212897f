/** Puts the gateway's own words as the columns of PostgreSQL take them. */
import type { changedNames } from '../updated-columns.ts'
import type { RecordedChange, Reservation } from '../../uploads/ports/upload-store.ts'

/** What a reservation says for itself; the rest of its row is the same for each. */
export function valuesOfReservation({ constraints, ...reservation }: Reservation) {
  return { ...reservation, ...constraints }
}

export function valuesOfChange({ upload, holds, checkAt }: RecordedChange) {
  const { progress, failure, video } = upload
  return {
    status: upload.status,
    version: upload.version,
    updatedAt: upload.updatedAt,
    ...progress,
    failureCode: failure?.code ?? null,
    failureMessage: failure?.message ?? null,
    received: video !== null,
    durationSeconds: video?.durationSeconds ?? null,
    width: video?.width ?? null,
    height: video?.height ?? null,
    sizeBytes: video?.sizeBytes ?? null,
    hlsURL: video?.hlsURL ?? null,
    dashURL: video?.dashURL ?? null,
    thumbnailURL: video?.thumbnailURL ?? null,
    previewURL: video?.previewURL ?? null,
    readyAt: video?.readyAt ?? null,
    describedAt: upload.describedAt,
    goneAt: upload.goneAt,
    deletedAt: upload.deletedAt,
    seenStatus: upload.status === 'DELETED' ? upload.seenStatus : null,
    ...holds,
    checkAt,
  } satisfies Record<(typeof changedNames)[number], unknown>
}
