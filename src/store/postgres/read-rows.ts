/** Converts PostgreSQL rows to domain objects. */
import type { InferSelectModel } from 'drizzle-orm'
import {
  type Upload,
  type UploadConstraints,
  type Video,
  observedStatusIn,
  uploadStatuses,
} from '../../uploads/upload.ts'
import type { DueUpload, IdempotentUpload, Reservation } from '../../uploads/ports/upload-store.ts'
import type { RowStatus } from '../row-status.ts'
import type { allColumns, uploadColumns } from './columns.ts'
import type { uploads } from './tables.ts'

type Row = InferSelectModel<typeof uploads>
export type UploadRow = Pick<Row, keyof typeof uploadColumns>
export type FullRow = Pick<Row, keyof typeof allColumns>

/** Returns null for a row that is only a reservation. */
export function readUpload(row: UploadRow): Upload | null {
  const { uid, uploadURL, status } = row
  if (uid === null || uploadURL === null || !isOfUpload(status)) return null
  return {
    id: row.id,
    protocol: row.protocol,
    creator: row.creator,
    name: row.name,
    meta: row.meta,
    constraints: constraintsIn(row),
    expiresAt: row.expiresAt,
    createdAt: row.createdAt,
    uid,
    uploadURL,
    status,
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
    video: row.received ? videoIn(row) : null,
    describedAt: row.describedAt,
    settingsAt: row.settingsAt,
    goneAt: row.goneAt,
    deletedAt: row.deletedAt,
    seenStatus: observedStatusIn(status, row.seenStatus, row.received, row.receivedBytes),
  }
}

/** Returns the uploads among the rows, without reservations. */
export function readUploads(rows: readonly UploadRow[]): readonly Upload[] {
  return rows.flatMap((row) => readUpload(row) ?? [])
}

export function readDue(
  row: UploadRow & Pick<Row, 'idleChecks' | 'missingChecks'>,
): DueUpload | null {
  const upload = readUpload(row)
  return upload && { upload, idlePolls: row.idleChecks, missingPolls: row.missingChecks }
}

export function readReservation(row: FullRow): Reservation {
  return {
    id: row.id,
    protocol: row.protocol,
    creator: row.creator,
    name: row.name,
    meta: row.meta,
    constraints: constraintsIn(row),
    expiresAt: row.expiresAt,
    createdAt: row.createdAt,
    totalBytes: row.totalBytes,
    idempotencyKey: row.idempotencyKey,
    fingerprint: row.fingerprint,
    requestedBy: row.requestedBy,
  }
}

/** Reads the row of an idempotency key; `upload` is null for a reservation. */
export function readIdempotentUpload(row: FullRow): IdempotentUpload {
  return { reservation: readReservation(row), upload: readUpload(row) }
}

const statusesOfUploads: ReadonlySet<RowStatus> = new Set(uploadStatuses)

function isOfUpload(status: RowStatus): status is Upload['status'] {
  return statusesOfUploads.has(status)
}

function videoIn(row: UploadRow): Video {
  return {
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
}

function constraintsIn(row: UploadRow): UploadConstraints {
  return {
    maxDurationSeconds: row.maxDurationSeconds,
    maxSizeBytes: row.maxSizeBytes,
    allowedOrigins: row.allowedOrigins,
    requireSignedURLs: row.requireSignedURLs,
    scheduledDeletion: row.scheduledDeletion,
  }
}
