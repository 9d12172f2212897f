/** Opens and migrates the SQLite file. */
import { randomUUID } from 'node:crypto'
import { fileURLToPath } from 'node:url'
import Database from 'better-sqlite3'
import { type BetterSQLite3Database, drizzle } from 'drizzle-orm/better-sqlite3'
import { readMigrationFiles } from 'drizzle-orm/migrator'
import { createOwnerOnly } from './owner-only.ts'
import { deployments } from './tables.ts'

/** An open, migrated database and its connection. */
export interface SqliteDatabase {
  readonly db: BetterSQLite3Database
  readonly connection: Database.Database
  /** Migrations applied by this call. */
  readonly applied: number
}

/**
 * Page cache in KiB: holds the indexes of a million uploads down to their leaves. The 16 MB default of
 * better-sqlite3 holds about 13,000 uploads; every other page is a system call.
 * https://www.sqlite.org/pragma.html#pragma_cache_size
 */
const CACHE_KIB = 32 * 1024
/**
 * WAL pages (4 KiB each) before a checkpoint. A checkpoint copies each page once, however often it was
 * written. Four times SQLite's default avoids most writes of frequently changed pages.
 * https://www.sqlite.org/wal.html#performance_considerations
 */
const PAGES_PER_CHECKPOINT = 4000

/** `src` and `dist` are at the same depth, so the path is valid from both. */
const MIGRATIONS = fileURLToPath(new URL('../../../migrations/sqlite', import.meta.url))

/**
 * Opens the file, creates it if missing, and applies pending migrations. `:memory:` opens a database that
 * ends with the process.
 */
export function openSqlite(file: string): SqliteDatabase {
  if (file !== ':memory:') createOwnerOnly(file)
  const connection = new Database(file)
  // Another process may be migrating, which takes long with many uploads.
  connection.pragma('busy_timeout = 120000')
  // Readers do not wait for the writer; a commit is on disk before it returns.
  connection.pragma('journal_mode = WAL')
  connection.pragma('synchronous = FULL')
  connection.pragma('foreign_keys = ON')
  const db = drizzle({ client: connection })
  // With nothing to migrate, the write lock is not taken: another process may hold it.
  const applied = countPendingMigrations(connection) === 0 ? 0 : migrate(connection)
  connection.pragma('busy_timeout = 5000')
  // Statement journals stay in memory: the triggers make each write of an upload need one, and a file would be
  // written with each changed page. https://www.sqlite.org/tempfiles.html#stmtjrnl
  connection.pragma('temp_store = MEMORY')
  connection.pragma(`cache_size = -${CACHE_KIB}`)
  connection.pragma(`wal_autocheckpoint = ${PAGES_PER_CHECKPOINT}`)
  return { db, connection, applied }
}

/** Returns the number of pending migrations without changing the file. */
export function countPendingMigrations(connection: Database.Database): number {
  const isNew = connection
    .prepare("select 1 from sqlite_master where name = '__drizzle_migrations'")
    .get()
  return isNew === undefined ? readMigrations().length : pendingMigrations(connection).length
}

function readMigrations() {
  return readMigrationFiles({ migrationsFolder: MIGRATIONS })
}

function pendingMigrations(connection: Database.Database) {
  const newest = connection
    .prepare<[], number>('select coalesce(max(created_at), 0) from __drizzle_migrations')
    .pluck()
    .get()
  return readMigrations().filter(({ folderMillis }) => folderMillis > (newest ?? 0))
}

/**
 * Applies pending migrations like drizzle-orm's migrator, but in one immediate transaction. If two processes
 * start at once, one migrates and the other finds nothing pending.
 */
function migrate(connection: Database.Database): number {
  const apply = connection.transaction(() => {
    connection.exec(
      'create table if not exists __drizzle_migrations (id serial primary key, hash text not null, created_at numeric)',
    )
    const pending = pendingMigrations(connection)
    const record = connection.prepare<[string, number]>(
      'insert into __drizzle_migrations (hash, created_at) values (?, ?)',
    )
    for (const { sql, hash, folderMillis } of pending) {
      for (const statement of sql) connection.exec(statement)
      record.run(hash, folderMillis)
    }
    return pending.length
  })
  return apply.immediate()
}

/** Returns the deployment id, which marks this database's uploads at Stream; created on first use. */
export function deploymentOf({ db, connection }: SqliteDatabase): string {
  const find = (): string | undefined => db.select().from(deployments).get()?.id
  const create = connection.transaction(() => {
    const known = find()
    if (known !== undefined) return known
    const id = randomUUID().slice(0, 8)
    db.insert(deployments).values({ id }).run()
    return id
  })
  return find() ?? create.immediate()
}
