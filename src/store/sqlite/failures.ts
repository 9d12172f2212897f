/** Separates failures of the SQLite file and its disk from statement errors. */
import Database from 'better-sqlite3'
import { StoreUnavailable } from '../../uploads/ports/store-unavailable.ts'

/** The kind of failure of the file or its disk. */
export type SqliteFailure = 'locked' | 'full' | 'read-only' | 'inaccessible' | 'damaged'

/** By SQLite's primary result code. https://www.sqlite.org/rescode.html#primary_result_code_list */
const FAILURES: ReadonlyMap<string, SqliteFailure> = new Map([
  ['BUSY', 'locked'],
  ['LOCKED', 'locked'],
  ['PROTOCOL', 'locked'],
  ['FULL', 'full'],
  ['READONLY', 'read-only'],
  ['IOERR', 'inaccessible'],
  ['CANTOPEN', 'inaccessible'],
  ['PERM', 'inaccessible'],
  ['CORRUPT', 'damaged'],
  ['NOTADB', 'damaged'],
])

/** Messages for operators: the problem and the fix. No path and no value, because `/readyz` shows them. */
const MESSAGES: Readonly<Record<SqliteFailure, string>> = {
  locked:
    'Another process holds the write lock of the SQLite file. Find it, such as an open `sqlite3` shell, and end its transaction.',
  full: 'The disk of the SQLite file is full. Free some space.',
  'read-only':
    'The SQLite file is read-only. Give the gateway write access to the file and its folder.',
  inaccessible:
    'The SQLite file cannot be read or written. Check its disk, and the permissions of the file and its folder.',
  damaged:
    'The SQLite file is damaged, or is not a SQLite database. Stop the gateway and restore a backup, as src/store/backups.md describes.',
}

/** Returns null for statement errors, such as a violated constraint, and for all other errors. */
export function sqliteFailureOf(error: unknown): SqliteFailure | null {
  if (error instanceof StoreUnavailable) return sqliteFailureOf(error.cause)
  if (!(error instanceof Database.SqliteError)) return null
  // Extended result codes start with the primary code, such as SQLITE_IOERR_WRITE.
  return FAILURES.get(error.code.split('_')[1] ?? '') ?? null
}

export function failureMessage(failure: SqliteFailure): string {
  return MESSAGES[failure]
}

/** Converts a file or disk failure to `StoreUnavailable`; returns any other error unchanged. */
export function toStoreUnavailable(error: unknown): unknown {
  const failure = sqliteFailureOf(error)
  if (failure === null || error instanceof StoreUnavailable) return error
  return new StoreUnavailable(error, MESSAGES[failure])
}

/** Executes a statement. Throws `StoreUnavailable` if the file or its disk fails. */
export function guarded<T>(statement: () => T): T {
  try {
    return statement()
  } catch (error) {
    throw toStoreUnavailable(error)
  }
}
