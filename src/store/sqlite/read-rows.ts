/** Converts SQLite rows to domain objects. */
import { getTableColumns } from 'drizzle-orm'
import {
  type Upload,
  type UploadEvent,
  type UploadStatus,
  type UploadConstraints,
  type Video,
  observedStatusIn,
  uploadEventSources,
  uploadProtocols,
  uploadStatuses,
} from '../../uploads/upload.ts'
import type {
  DueUpload,
  QuotaUsage,
  IdempotentUpload,
  ReferenceStatus,
  Reservation,
} from '../../uploads/ports/upload-store.ts'
import { rowStatuses } from '../row-status.ts'
import { uploadEvents, uploads } from './tables.ts'
import {
  flag,
  date,
  dateOrNull,
  number,
  numberOrNull,
  jsonObject,
  columnIndexes,
  text,
  textOrNull,
  stringList,
  unpackRow,
  enumReader,
} from './column-values.ts'

const {
  idleChecks,
  missingChecks,
  requestedBy,
  idempotencyKey,
  fingerprint,
  tokenId: _tokenId,
  reservedSeconds,
  storedSeconds,
  checkAt,
  changeUntil: _changeUntil,
  ...ofUpload
} = getTableColumns(uploads)

/** Columns of an upload. */
export const uploadColumns = ofUpload
/** All columns, starting with those of an upload: `readUpload` reads rows of either list. */
export const allColumns = {
  ...uploadColumns,
  idleChecks,
  missingChecks,
  requestedBy,
  idempotencyKey,
  fingerprint,
  reservedSeconds,
  storedSeconds,
  checkAt,
}
export const eventColumns = getTableColumns(uploadEvents)
/** Columns that determine the status of a reference. */
export const referenceColumns = { id: uploads.id, uid: uploads.uid, status: uploads.status }

const at = columnIndexes(allColumns)
const eventAt = columnIndexes(eventColumns)
const referenceIndexes = columnIndexes(referenceColumns)

const protocolOf = enumReader(uploadProtocols)
const statusOf = enumReader(uploadStatuses)
const rowStatusOf = enumReader(rowStatuses)
const sourceOf = enumReader(uploadEventSources)

/** Returns null for a row that is only a reservation. */
export function readUpload(row: unknown): Upload | null {
  return uploadIn(unpackRow(row))
}

export function readReservation(row: unknown): Reservation {
  return reservationIn(unpackRow(row))
}

/** Reads the row of an idempotency key; `upload` is null for a reservation. */
export function readIdempotentUpload(row: unknown): IdempotentUpload {
  const values = unpackRow(row)
  return { reservation: reservationIn(values), upload: uploadIn(values) }
}

export function readDue(row: unknown): DueUpload | null {
  const values = unpackRow(row)
  const upload = uploadIn(values)
  if (upload === null) return null
  return {
    upload,
    idlePolls: number(values[at.idleChecks]),
    missingPolls: number(values[at.missingChecks]),
  }
}

export function readEvent(row: unknown): {
  readonly uploadId: string
  readonly event: UploadEvent
} {
  const values = unpackRow(row)
  return {
    uploadId: text(values[eventAt.uploadId]),
    event: {
      status: statusOf(values[eventAt.status]),
      source: sourceOf(values[eventAt.source]),
      at: date(values[eventAt.at]),
    },
  }
}

export function readReference(row: unknown): {
  readonly id: string
  readonly status: ReferenceStatus
} {
  const values = unpackRow(row)
  return {
    id: text(values[referenceIndexes.id]),
    status: {
      uid: textOrNull(values[referenceIndexes.uid]),
      retired: rowStatusOf(values[referenceIndexes.status]) === 'RETIRED',
    },
  }
}

export function readQuotaUsage(row: unknown): QuotaUsage {
  const [reserved, stored] = unpackRow(row)
  return { reservedSeconds: number(reserved), storedSeconds: number(stored) }
}

/** Returns a status and its number of uploads. */
export function readCount(row: unknown): readonly [UploadStatus, number] {
  const [status, count] = unpackRow(row)
  return [statusOf(status), number(count)]
}

/** Assigns field by field: with a spread, this takes ten times as long. */
function uploadIn(row: readonly unknown[]): Upload | null {
  const uid = row[at.uid]
  if (uid === null) return null
  const failureCode = textOrNull(row[at.failureCode])
  const status = statusOf(row[at.status])
  const received = flag(row[at.received])
  const receivedBytes = numberOrNull(row[at.receivedBytes])
  return {
    id: text(row[at.id]),
    protocol: protocolOf(row[at.protocol]),
    creator: text(row[at.creator]),
    name: textOrNull(row[at.name]),
    meta: jsonObject(row[at.meta]),
    constraints: constraintsIn(row),
    expiresAt: date(row[at.expiresAt]),
    createdAt: date(row[at.createdAt]),
    uid: text(uid),
    uploadURL: text(row[at.uploadURL]),
    status,
    version: number(row[at.version]),
    updatedAt: date(row[at.updatedAt]),
    progress: {
      totalBytes: numberOrNull(row[at.totalBytes]),
      receivedBytes,
      encodingPercent: numberOrNull(row[at.encodingPercent]),
    },
    failure:
      failureCode === null
        ? null
        : { code: failureCode, message: textOrNull(row[at.failureMessage]) ?? failureCode },
    video: received ? videoIn(row) : null,
    describedAt: dateOrNull(row[at.describedAt]),
    settingsAt: dateOrNull(row[at.settingsAt]),
    goneAt: dateOrNull(row[at.goneAt]),
    deletedAt: dateOrNull(row[at.deletedAt]),
    seenStatus: observedStatusIn(
      status,
      row[at.seenStatus] === null ? null : statusOf(row[at.seenStatus]),
      received,
      receivedBytes,
    ),
  }
}

function videoIn(row: readonly unknown[]): Video {
  return {
    durationSeconds: numberOrNull(row[at.durationSeconds]),
    width: numberOrNull(row[at.width]),
    height: numberOrNull(row[at.height]),
    sizeBytes: numberOrNull(row[at.sizeBytes]),
    hlsURL: textOrNull(row[at.hlsURL]),
    dashURL: textOrNull(row[at.dashURL]),
    thumbnailURL: textOrNull(row[at.thumbnailURL]),
    previewURL: textOrNull(row[at.previewURL]),
    readyAt: dateOrNull(row[at.readyAt]),
  }
}

function reservationIn(row: readonly unknown[]): Reservation {
  return {
    id: text(row[at.id]),
    protocol: protocolOf(row[at.protocol]),
    creator: text(row[at.creator]),
    name: textOrNull(row[at.name]),
    meta: jsonObject(row[at.meta]),
    constraints: constraintsIn(row),
    expiresAt: date(row[at.expiresAt]),
    createdAt: date(row[at.createdAt]),
    totalBytes: numberOrNull(row[at.totalBytes]),
    idempotencyKey: textOrNull(row[at.idempotencyKey]),
    fingerprint: text(row[at.fingerprint]),
    requestedBy: text(row[at.requestedBy]),
  }
}

function constraintsIn(row: readonly unknown[]): UploadConstraints {
  return {
    maxDurationSeconds: number(row[at.maxDurationSeconds]),
    maxSizeBytes: number(row[at.maxSizeBytes]),
    allowedOrigins: stringList(row[at.allowedOrigins]),
    requireSignedURLs: flag(row[at.requireSignedURLs]),
    scheduledDeletion: dateOrNull(row[at.scheduledDeletion]),
  }
}
