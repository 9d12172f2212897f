/** Opens the SQLite file and brings it up to date. */
import { mkdirSync } from 'node:fs'
import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import Database from 'better-sqlite3'
import { type BetterSQLite3Database, drizzle } from 'drizzle-orm/better-sqlite3'
import { migrate } from 'drizzle-orm/better-sqlite3/migrator'

/** An open, migrated database and the connection under it. */
export interface SqliteDatabase {
  readonly db: BetterSQLite3Database
  readonly connection: Database.Database
  /** How many migrations were applied just now. */
  readonly applied: number
}

/** The same from `src` and from `dist`, which lie at the same depth. */
const MIGRATIONS = fileURLToPath(new URL('../../../migrations/sqlite', import.meta.url))

/**
 * Opens the file, which is made where there is none, and applies the migrations that it lacks.
 * `:memory:` is a database that ends with the process.
 */
export function openSqlite(file: string): SqliteDatabase {
  if (file !== ':memory:') mkdirSync(dirname(file), { recursive: true })
  const connection = new Database(file)
  // Readers do not wait for the writer, and a commit is on the disk before it is answered.
  connection.pragma('journal_mode = WAL')
  connection.pragma('synchronous = FULL')
  connection.pragma('foreign_keys = ON')
  connection.pragma('busy_timeout = 5000')
  const db = drizzle({ client: connection })
  const before = countMigrations(connection)
  migrate(db, { migrationsFolder: MIGRATIONS })
  return { db, connection, applied: countMigrations(connection) - before }
}

function countMigrations(connection: Database.Database): number {
  const table = connection
    .prepare<[], number>(
      "select count(*) from sqlite_master where type = 'table' and name = '__drizzle_migrations'",
    )
    .pluck()
    .get()
  if (table !== 1) return 0
  return (
    connection.prepare<[], number>('select count(*) from __drizzle_migrations').pluck().get() ?? 0
  )
}
