/** Opens the SQLite file and brings it up to date. */
import { randomUUID } from 'node:crypto'
import { fileURLToPath } from 'node:url'
import Database from 'better-sqlite3'
import { type BetterSQLite3Database, drizzle } from 'drizzle-orm/better-sqlite3'
import { readMigrationFiles } from 'drizzle-orm/migrator'
import { createOwnerOnly } from './owner-only.ts'
import { deployments } from './tables.ts'

/** An open, migrated database and the connection under it. */
export interface SqliteDatabase {
  readonly db: BetterSQLite3Database
  readonly connection: Database.Database
  /** How many migrations were applied just now. */
  readonly applied: number
}

/**
 * KiB of the file that are kept at hand, filled as it is read and written: the indexes of a million
 * uploads down to their leaves. The 16 MB of better-sqlite3 hold some thirteen thousand uploads, and what is not there
 * is asked of the system page by page. https://www.sqlite.org/pragma.html#pragma_cache_size
 */
const CACHE_KIB = 32 * 1024
/**
 * Pages (of 4 KiB) in the write-ahead log before they are carried over into the file. Each is carried
 * over once, however often it was written: four times SQLite's own number spares most of the writes of
 * pages that change again and again. https://www.sqlite.org/wal.html#performance_considerations
 */
const PAGES_A_CHECKPOINT = 4000

/** The same from `src` and from `dist`, which lie at the same depth. */
const MIGRATIONS = fileURLToPath(new URL('../../../migrations/sqlite', import.meta.url))

/**
 * Opens the file, which is made where there is none, and applies the migrations that it lacks.
 * `:memory:` is a database that ends with the process.
 */
export function openSqlite(file: string): SqliteDatabase {
  if (file !== ':memory:') createOwnerOnly(file)
  const connection = new Database(file)
  // Another process may be migrating, which takes its time where there are many uploads.
  connection.pragma('busy_timeout = 120000')
  // Readers do not wait for the writer, and a commit is on the disk before it is answered.
  connection.pragma('journal_mode = WAL')
  connection.pragma('synchronous = FULL')
  connection.pragma('foreign_keys = ON')
  const db = drizzle({ client: connection })
  // Without the lock for writing, which another process may hold, where there is nothing to migrate.
  const applied = countLacking(connection) === 0 ? 0 : migrate(connection)
  connection.pragma('busy_timeout = 5000')
  connection.pragma(`cache_size = -${CACHE_KIB}`)
  connection.pragma(`wal_autocheckpoint = ${PAGES_A_CHECKPOINT}`)
  return { db, connection, applied }
}

/** How many migrations the file lacks, which is not changed for it. */
export function countLacking(connection: Database.Database): number {
  const isNew = connection
    .prepare("select 1 from sqlite_master where name = '__drizzle_migrations'")
    .get()
  return isNew === undefined ? readMigrations().length : findLacking(connection).length
}

function readMigrations() {
  return readMigrationFiles({ migrationsFolder: MIGRATIONS })
}

function findLacking(connection: Database.Database) {
  const newest = connection
    .prepare<[], number>('select coalesce(max(created_at), 0) from __drizzle_migrations')
    .pluck()
    .get()
  return readMigrations().filter(({ folderMillis }) => folderMillis > (newest ?? 0))
}

/**
 * As drizzle-orm's own migrator does it, but under one lock from the first look to the last write:
 * of two processes that start at once, one migrates and the other finds nothing to do.
 */
function migrate(connection: Database.Database): number {
  const apply = connection.transaction(() => {
    connection.exec(
      'create table if not exists __drizzle_migrations (id serial primary key, hash text not null, created_at numeric)',
    )
    const lacking = findLacking(connection)
    const remember = connection.prepare<[string, number]>(
      'insert into __drizzle_migrations (hash, created_at) values (?, ?)',
    )
    for (const { sql, hash, folderMillis } of lacking) {
      for (const statement of sql) connection.exec(statement)
      remember.run(hash, folderMillis)
    }
    return lacking.length
  })
  return apply.immediate()
}

/** The name by which this database knows its own uploads at Stream; made with the database. */
export function deploymentOf({ db, connection }: SqliteDatabase): string {
  const find = (): string | undefined => db.select().from(deployments).get()?.id
  const make = connection.transaction(() => {
    const known = find()
    if (known !== undefined) return known
    const id = randomUUID().slice(0, 8)
    db.insert(deployments).values({ id }).run()
    return id
  })
  return find() ?? make.immediate()
}
