/** Converts domain objects to values of PostgreSQL columns. */
import type { updatedColumns } from '../updated-columns.ts'
import type { UploadChange, Reservation } from '../../uploads/ports/upload-store.ts'

/** Values of a reservation; the other columns of its row are constant. */
export function reservationValues({ constraints, ...reservation }: Reservation) {
  return { ...reservation, ...constraints }
}

export function changeValues({ upload, holds, pollAt }: UploadChange) {
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
    checkAt: pollAt,
  } satisfies Record<(typeof updatedColumns)[number], unknown>
}
