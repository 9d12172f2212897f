/** Inspects a SQLite file without changing it. */
import { existsSync } from 'node:fs'
import Database from 'better-sqlite3'
import { countPendingMigrations } from './database.ts'
import { sqliteFailureOf } from './failures.ts'
import { modeIfShared } from './owner-only.ts'

/** State of the file. */
export interface SqliteFindings {
  /** False if SQLite reports the file as damaged. */
  readonly isIntact: boolean
  /** Number of migrations not yet applied; 0 for a damaged file. */
  readonly pendingMigrations: number
  /** Octal mode if other users may read or write the file; else null. May be null if damaged. */
  readonly modeIfShared: string | null
  /** Stream account; null if none is recorded, without uploads, and for an unmigrated or damaged file. */
  readonly account: string | null
}

/** Returns null if the file does not exist. Throws SQLite's error if it cannot be opened or read. */
export function inspectSqlite(file: string): SqliteFindings | null {
  if (!existsSync(file)) return null
  const connection = new Database(file, { readonly: true })
  try {
    // https://www.sqlite.org/pragma.html#pragma_quick_check
    const isIntact = connection.pragma('quick_check', { simple: true }) === 'ok'
    const pendingMigrations = isIntact ? countPendingMigrations(connection) : 0
    return {
      isIntact,
      pendingMigrations,
      modeIfShared: modeIfShared(file),
      account: isIntact && pendingMigrations === 0 ? readAccount(connection) : null,
    }
  } catch (error) {
    if (sqliteFailureOf(error) !== 'damaged') throw error
    return { isIntact: false, pendingMigrations: 0, modeIfShared: null, account: null }
  } finally {
    connection.close()
  }
}

function readAccount(connection: Database.Database): string | null {
  const account = connection
    .prepare<[], string | null>(
      'select account from deployments where exists (select 1 from uploads where uid is not null)',
    )
    .pluck()
    .get()
  return account ?? null
}
