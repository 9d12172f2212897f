/** Which columns each kind of answer is read from. */
import { getTableColumns } from 'drizzle-orm'
import { uploadEvents, uploads } from './tables.ts'

const {
  idleChecks,
  requestedBy,
  idempotencyKey,
  fingerprint,
  reservedSeconds: _reserved,
  storedSeconds: _stored,
  checkAt: _checkAt,
  changedIn: _changedIn,
  ...ofUpload
} = getTableColumns(uploads)

/** The columns of an upload, and how often it was asked after in vain, or missed. */
export const uploadColumns = { ...ofUpload, idleChecks }
/** Those of a reservation as well. */
export const allColumns = { ...uploadColumns, requestedBy, idempotencyKey, fingerprint }
export const eventColumns = getTableColumns(uploadEvents)
