/** Opens the store of a command, which may run next to a gateway. */
import { existsSync } from 'node:fs'
import { type DatabaseConfig, databaseLabel } from '../config/node-config.ts'
import { openDatabaseError } from '../node/open-database.ts'
import { openPostgres } from '../postgres/connection-pool.ts'
import { createPostgresStore } from '../store/postgres/postgres-store.ts'
import { createSqliteStore } from '../store/sqlite/sqlite-store.ts'
import type { UploadStore } from '../uploads/ports/upload-store.ts'

/** Applies pending migrations, and creates a missing SQLite file. */
export async function openStore(database: DatabaseConfig): Promise<UploadStore> {
  if (database.kind === 'sqlite') return createSqliteStore(database.file)
  const postgres = openPostgres(database, () => undefined)
  try {
    return await createPostgresStore(postgres)
  } catch (error) {
    await postgres.close()
    throw error
  }
}

/** Runs the work with the store of an existing database. Throws messages that say which variable to set. */
export async function withStore<T>(
  database: DatabaseConfig,
  work: (store: UploadStore) => Promise<T>,
): Promise<T> {
  if (database.kind === 'sqlite' && !existsSync(database.file)) {
    throw new Error(`No database at ${databaseLabel(database)}. Set DATABASE_URL.`)
  }
  const store = await open(database)
  try {
    return await work(store)
  } finally {
    await store.close()
  }
}

async function open(database: DatabaseConfig): Promise<UploadStore> {
  try {
    return await openStore(database)
  } catch (error) {
    throw openDatabaseError(database, error)
  }
}
