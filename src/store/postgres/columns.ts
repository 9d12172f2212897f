/** Columns read for each kind of result. */
import { getTableColumns } from 'drizzle-orm'
import { uploadEvents, uploads } from './tables.ts'

const {
  idleChecks,
  requestedBy,
  idempotencyKey,
  fingerprint,
  tokenId: _tokenId,
  reservedSeconds: _reserved,
  storedSeconds: _stored,
  checkAt: _checkAt,
  changeUntil: _changeUntil,
  changedIn: _changedIn,
  ...ofUpload
} = getTableColumns(uploads)

/** Columns of an upload, with its counts of polls without a change or without a video. */
export const uploadColumns = { ...ofUpload, idleChecks }
/** Also those of a reservation. */
export const allColumns = { ...uploadColumns, requestedBy, idempotencyKey, fingerprint }
export const eventColumns = getTableColumns(uploadEvents)
