/** Tells errors of the SQLite file and its disk from errors of a statement. */
import Database from 'better-sqlite3'
import { StoreUnavailable } from '../../uploads/ports/store-unavailable.ts'

/** What is wrong with the file or its disk. */
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

/** For operators: the problem and what to do. Names no path and no value, for `/readyz` shows it. */
const SENTENCES: Readonly<Record<SqliteFailure, string>> = {
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

/** Null for an error of a statement, such as a broken constraint, and for any other error. */
export function sqliteFailureOf(error: unknown): SqliteFailure | null {
  if (error instanceof StoreUnavailable) return sqliteFailureOf(error.cause)
  if (!(error instanceof Database.SqliteError)) return null
  // An extended code has its primary code in front: SQLITE_IOERR_WRITE.
  return FAILURES.get(error.code.split('_')[1] ?? '') ?? null
}

export function sentenceOfFailure(failure: SqliteFailure): string {
  return SENTENCES[failure]
}

/** `StoreUnavailable` for a failure of the file or its disk; any other error as it is. */
export function unavailableOr(error: unknown): unknown {
  const failure = sqliteFailureOf(error)
  if (failure === null || error instanceof StoreUnavailable) return error
  return new StoreUnavailable(error, SENTENCES[failure])
}

/** Runs a statement; throws `StoreUnavailable` where the file or its disk fails. */
export function guarded<T>(statement: () => T): T {
  try {
    return statement()
  } catch (error) {
    throw unavailableOr(error)
  }
}
