/** Looks at a SQLite file without changing it. */
import { existsSync } from 'node:fs'
import Database from 'better-sqlite3'
import { countLacking } from './database.ts'
import { sqliteFailureOf } from './failures.ts'
import { modeForOthers } from './owner-only.ts'

/** What stands in the file. */
export interface SqliteFindings {
  /** False where SQLite itself finds the file damaged. */
  readonly sound: boolean
  /** Migrations that it lacks. */
  readonly lacking: number
  /** Its octal mode, where other users may read or write it; else null. */
  readonly modeForOthers: string | null
  /** The Stream account of its uploads; null where none is noted, or there are no uploads yet. */
  readonly account: string | null
}

/** Null where there is no file yet. Throws SQLite's error where it cannot be opened or read. */
export function inspectSqlite(file: string): SqliteFindings | null {
  if (!existsSync(file)) return null
  const connection = new Database(file, { readonly: true })
  try {
    // https://www.sqlite.org/pragma.html#pragma_quick_check
    const sound = connection.pragma('quick_check', { simple: true }) === 'ok'
    const lacking = sound ? countLacking(connection) : 0
    return {
      sound,
      lacking,
      modeForOthers: modeForOthers(file),
      account: sound && lacking === 0 ? readAccount(connection) : null,
    }
  } catch (error) {
    if (sqliteFailureOf(error) !== 'damaged') throw error
    return { sound: false, lacking: 0, modeForOthers: null, account: null }
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
