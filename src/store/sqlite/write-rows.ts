/** Converts domain objects to SQLite values. */
import { type updatedColumns, updatedValues } from '../updated-columns.ts'
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
  'tokenId',
] as const

/** @param tokenId of the token that limits the number of uploads; null without such a limit */
export function reservationValues(
  reservation: Reservation,
  tokenId: string | null,
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
    tokenId,
  }
}

export function changeValues(change: UploadChange): Values<(typeof updatedColumns)[number]> {
  const values = updatedValues(change)
  return {
    ...values,
    meta: JSON.stringify(values.meta),
    allowedOrigins: JSON.stringify(values.allowedOrigins),
    requireSignedURLs: Number(values.requireSignedURLs),
    scheduledDeletion: values.scheduledDeletion?.getTime() ?? null,
    expiresAt: values.expiresAt.getTime(),
    settingsAt: values.settingsAt?.getTime() ?? null,
    updatedAt: values.updatedAt.getTime(),
    received: Number(values.received),
    readyAt: values.readyAt?.getTime() ?? null,
    describedAt: values.describedAt?.getTime() ?? null,
    goneAt: values.goneAt?.getTime() ?? null,
    deletedAt: values.deletedAt?.getTime() ?? null,
    checkAt: values.checkAt?.getTime() ?? null,
  }
}
