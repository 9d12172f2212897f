/** Where the rows of SQLite and the gateway's own words meet. */
import type { InferSelectModel } from 'drizzle-orm'
import type { Upload, UploadTerms } from '../../uploads/upload.ts'
import type { RecordedChange, Reservation } from '../store.ts'
import type { uploads } from './tables.ts'

/** A row of the table of uploads: a reservation or an upload. */
export type UploadRow = InferSelectModel<typeof uploads>

/** Null for a row that is only a reservation. */
export function rowToUpload(row: UploadRow): Upload | null {
  if (
    row.status === 'RESERVED' ||
    row.status === 'RETIRED' ||
    row.uid === null ||
    row.uploadURL === null
  )
    return null
  return {
    ...rowToTerms(row),
    uid: row.uid,
    uploadURL: row.uploadURL,
    status: row.status,
    version: row.version,
    updatedAt: row.updatedAt,
    progress: {
      totalBytes: row.totalBytes,
      receivedBytes: row.receivedBytes,
      encodingPercent: row.encodingPercent,
    },
    failure:
      row.failureCode === null
        ? null
        : { code: row.failureCode, message: row.failureMessage ?? row.failureCode },
    video: row.received
      ? {
          durationSeconds: row.durationSeconds,
          width: row.width,
          height: row.height,
          sizeBytes: row.sizeBytes,
          hlsURL: row.hlsURL,
          dashURL: row.dashURL,
          thumbnailURL: row.thumbnailURL,
          previewURL: row.previewURL,
          readyAt: row.readyAt,
        }
      : null,
    describedAt: row.describedAt,
    goneAt: row.goneAt,
  }
}

export function rowToReservation(row: UploadRow): Reservation {
  return {
    ...rowToTerms(row),
    totalBytes: row.totalBytes,
    idempotencyKey: row.idempotencyKey,
    fingerprint: row.fingerprint,
    requestedBy: row.requestedBy,
  }
}

function rowToTerms(row: UploadRow): UploadTerms {
  return {
    id: row.id,
    protocol: row.protocol,
    creator: row.creator,
    name: row.name,
    meta: row.meta,
    constraints: {
      maxDurationSeconds: row.maxDurationSeconds,
      maxSizeBytes: row.maxSizeBytes,
      allowedOrigins: row.allowedOrigins,
      requireSignedURLs: row.requireSignedURLs,
      scheduledDeletion: row.scheduledDeletion,
    },
    expiresAt: row.expiresAt,
    createdAt: row.createdAt,
  }
}

/** The columns that a reservation names. A column that may be null does not map its date. */
export function reservationToRow({ constraints, ...reservation }: Reservation) {
  const scheduledDeletion = constraints.scheduledDeletion?.getTime() ?? null
  return { ...reservation, ...constraints, scheduledDeletion }
}

/** The columns that a recorded change may touch. */
export function changeToRow({ upload, holds, checkAt }: RecordedChange) {
  return {
    status: upload.status,
    version: upload.version,
    updatedAt: upload.updatedAt,
    totalBytes: upload.progress.totalBytes,
    receivedBytes: upload.progress.receivedBytes,
    encodingPercent: upload.progress.encodingPercent,
    failureCode: upload.failure?.code ?? null,
    failureMessage: upload.failure?.message ?? null,
    received: upload.video !== null,
    durationSeconds: upload.video?.durationSeconds ?? null,
    width: upload.video?.width ?? null,
    height: upload.video?.height ?? null,
    sizeBytes: upload.video?.sizeBytes ?? null,
    hlsURL: upload.video?.hlsURL ?? null,
    dashURL: upload.video?.dashURL ?? null,
    thumbnailURL: upload.video?.thumbnailURL ?? null,
    previewURL: upload.video?.previewURL ?? null,
    readyAt: upload.video?.readyAt ?? null,
    describedAt: upload.describedAt,
    goneAt: upload.goneAt,
    reservedSeconds: holds.reservedSeconds,
    storedSeconds: holds.storedSeconds,
    checkAt,
    idleChecks: 0,
  } satisfies Partial<UploadRow>
}
