/** Converts domain objects to SQLite values. */
import type { updatedColumns } from '../updated-columns.ts'
import type { UploadChange, Reservation } from '../../uploads/ports/upload-store.ts'
import type { Values } from './define-statement.ts'

/** Parameters of a reservation; the other columns of its row are constant. */
export const reservationParams = [
  'id',
  'protocol',
  'creator',
  'name',
  'meta',
  'maxDurationSeconds',
  'maxSizeBytes',
  'allowedOrigins',
  'requireSignedURLs',
  'scheduledDeletion',
  'expiresAt',
  'createdAt',
  'requestedBy',
  'idempotencyKey',
  'fingerprint',
  'totalBytes',
] as const

export function reservationValues(
  reservation: Reservation,
): Values<(typeof reservationParams)[number]> {
  const { constraints } = reservation
  return {
    id: reservation.id,
    protocol: reservation.protocol,
    creator: reservation.creator,
    name: reservation.name,
    meta: JSON.stringify(reservation.meta),
    maxDurationSeconds: constraints.maxDurationSeconds,
    maxSizeBytes: constraints.maxSizeBytes,
    allowedOrigins: JSON.stringify(constraints.allowedOrigins),
    requireSignedURLs: Number(constraints.requireSignedURLs),
    scheduledDeletion: constraints.scheduledDeletion?.getTime() ?? null,
    expiresAt: reservation.expiresAt.getTime(),
    createdAt: reservation.createdAt.getTime(),
    requestedBy: reservation.requestedBy,
    idempotencyKey: reservation.idempotencyKey,
    fingerprint: reservation.fingerprint,
    totalBytes: reservation.totalBytes,
  }
}

export function changeValues({
  upload,
  holds,
  pollAt,
}: UploadChange): Values<(typeof updatedColumns)[number]> {
  const { progress, failure, video } = upload
  return {
    status: upload.status,
    version: upload.version,
    updatedAt: upload.updatedAt.getTime(),
    totalBytes: progress.totalBytes,
    receivedBytes: progress.receivedBytes,
    encodingPercent: progress.encodingPercent,
    failureCode: failure?.code ?? null,
    failureMessage: failure?.message ?? null,
    received: Number(video !== null),
    durationSeconds: video?.durationSeconds ?? null,
    width: video?.width ?? null,
    height: video?.height ?? null,
    sizeBytes: video?.sizeBytes ?? null,
    hlsURL: video?.hlsURL ?? null,
    dashURL: video?.dashURL ?? null,
    thumbnailURL: video?.thumbnailURL ?? null,
    previewURL: video?.previewURL ?? null,
    readyAt: video?.readyAt?.getTime() ?? null,
    describedAt: upload.describedAt?.getTime() ?? null,
    goneAt: upload.goneAt?.getTime() ?? null,
    deletedAt: upload.deletedAt?.getTime() ?? null,
    seenStatus: upload.status === 'DELETED' ? upload.seenStatus : null,
    reservedSeconds: holds.reservedSeconds,
    storedSeconds: holds.storedSeconds,
    checkAt: pollAt?.getTime() ?? null,
  }
}
