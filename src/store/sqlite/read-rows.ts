/** Reads rows of SQLite into the gateway's own words. */
import { getTableColumns } from 'drizzle-orm'
import {
  type Upload,
  type UploadEvent,
  type UploadConstraints,
  type Video,
  seenStatusIn,
  uploadEventSources,
  uploadProtocols,
  uploadStatuses,
} from '../../uploads/upload.ts'
import type { DueUpload, Holdings, KeyedUpload, ReferenceFate, Reservation } from '../../uploads/ports/upload-store.ts'
import { type RowStatus, rowStatuses } from '../row-status.ts'
import { uploadEvents, uploads } from './tables.ts'
import {
  flag,
  moment,
  momentOrNull,
  number,
  numberOrNull,
  objectIn,
  placesOf,
  text,
  textOrNull,
  textsIn,
  unpack,
  wordOf,
} from './column-values.ts'

const {
  idleChecks,
  missingChecks,
  requestedBy,
  idempotencyKey,
  fingerprint,
  reservedSeconds,
  storedSeconds,
  checkAt,
  ...ofUpload
} = getTableColumns(uploads)

/** The columns of an upload. */
export const uploadColumns = ofUpload
/** Every column, those of an upload first: what reads one from its own columns reads it from these. */
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
/** What became of a reference. */
export const fateColumns = { id: uploads.id, uid: uploads.uid, status: uploads.status }

const at = placesOf(allColumns)
const eventAt = placesOf(eventColumns)
const fateAt = placesOf(fateColumns)

const protocolOf = wordOf(uploadProtocols)
const statusOf = wordOf(uploadStatuses)
const rowStatusOf = wordOf(rowStatuses)
const sourceOf = wordOf(uploadEventSources)

/** Null for a row that is only a reservation. */
export function readUpload(row: unknown): Upload | null {
  return uploadIn(unpack(row))
}

export function readReservation(row: unknown): Reservation {
  return reservationIn(unpack(row))
}

/** A row of a key, which stands for an upload or (null) for a reservation only. */
export function readKeyed(row: unknown): KeyedUpload {
  const values = unpack(row)
  return { reservation: reservationIn(values), upload: uploadIn(values) }
}

export function readDue(row: unknown): DueUpload | null {
  const values = unpack(row)
  const upload = uploadIn(values)
  if (upload === null) return null
  return {
    upload,
    idleChecks: number(values[at.idleChecks]),
    dueAt: moment(values[at.checkAt]),
    missingChecks: number(values[at.missingChecks]),
  }
}

export function readEvent(row: unknown): {
  readonly uploadId: string
  readonly event: UploadEvent
} {
  const values = unpack(row)
  return {
    uploadId: text(values[eventAt.uploadId]),
    event: {
      status: statusOf(values[eventAt.status]),
      source: sourceOf(values[eventAt.source]),
      at: moment(values[eventAt.at]),
    },
  }
}

export function readFate(row: unknown): { readonly id: string; readonly fate: ReferenceFate } {
  const values = unpack(row)
  return {
    id: text(values[fateAt.id]),
    fate: {
      uid: textOrNull(values[fateAt.uid]),
      retired: rowStatusOf(values[fateAt.status]) === 'RETIRED',
    },
  }
}

export function readHoldings(row: unknown): Holdings {
  const [reserved, stored] = unpack(row)
  return { reservedSeconds: number(reserved), storedSeconds: number(stored) }
}

/** A status, and how many rows stand in it. */
export function readCount(row: unknown): readonly [RowStatus, number] {
  const [status, count] = unpack(row)
  return [rowStatusOf(status), number(count)]
}

/** Field by field: with a spread in it, this takes ten times as long. */
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
    meta: objectIn(row[at.meta]),
    constraints: constraintsIn(row),
    expiresAt: moment(row[at.expiresAt]),
    createdAt: moment(row[at.createdAt]),
    uid: text(uid),
    uploadURL: text(row[at.uploadURL]),
    status,
    version: number(row[at.version]),
    updatedAt: moment(row[at.updatedAt]),
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
    describedAt: momentOrNull(row[at.describedAt]),
    goneAt: momentOrNull(row[at.goneAt]),
    deletedAt: momentOrNull(row[at.deletedAt]),
    seenStatus: seenStatusIn(
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
    readyAt: momentOrNull(row[at.readyAt]),
  }
}

function reservationIn(row: readonly unknown[]): Reservation {
  return {
    id: text(row[at.id]),
    protocol: protocolOf(row[at.protocol]),
    creator: text(row[at.creator]),
    name: textOrNull(row[at.name]),
    meta: objectIn(row[at.meta]),
    constraints: constraintsIn(row),
    expiresAt: moment(row[at.expiresAt]),
    createdAt: moment(row[at.createdAt]),
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
    allowedOrigins: textsIn(row[at.allowedOrigins]),
    requireSignedURLs: flag(row[at.requireSignedURLs]),
    scheduledDeletion: momentOrNull(row[at.scheduledDeletion]),
  }
}
