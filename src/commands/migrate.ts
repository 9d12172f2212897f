/** `headgate migrate`: applies pending migrations without starting the gateway. */
import {
  type DatabaseConfig,
  type StreamConfig,
  readDatabaseConfig,
  readStreamConfig,
  databaseLabel,
} from '../config/node-config.ts'
import { openDatabaseError } from '../node/open-database.ts'
import { openPostgres } from '../postgres/connection-pool.ts'
import { migratePostgres } from '../store/postgres/migrate.ts'
import { openSqlite } from '../store/sqlite/database.ts'
import { openStore } from './open-store.ts'
import { readConfigOrReport } from './read-config.ts'

/** @param adoptsAccount whether the configured Stream account replaces the recorded one */
export async function runMigrate(adoptsAccount: boolean): Promise<number> {
  const database = readConfigOrReport(readDatabaseConfig)
  if (database === null) return 1
  const stream = adoptsAccount ? readConfigOrReport(readStreamConfig) : null
  if (adoptsAccount && stream === null) return 1
  const name = databaseLabel(database)
  const applied = await withDatabaseErrors(database, () => applyMigrations(database))
  const result =
    applied === 0
      ? 'is up to date'
      : `was migrated (${applied} ${applied === 1 ? 'migration' : 'migrations'} applied)`
  process.stdout.write(`${name} ${result}.\n`)
  if (stream === null) return 0
  const account = await withDatabaseErrors(database, () => adoptAccount(database, stream))
  process.stdout.write(`${name} now belongs to account ${account}.\n`)
  return 0
}

async function withDatabaseErrors<T>(database: DatabaseConfig, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    throw openDatabaseError(database, error)
  }
}

/** Returns the number of migrations that were applied. */
async function applyMigrations(database: DatabaseConfig): Promise<number> {
  if (database.kind === 'sqlite') {
    const { connection, applied } = openSqlite(database.file)
    connection.close()
    return applied
  }
  const postgres = openPostgres(database, () => undefined)
  try {
    return await migratePostgres(postgres)
  } finally {
    await postgres.close()
  }
}

/** Records the configured account as the account of the uploads; returns its id. */
async function adoptAccount(database: DatabaseConfig, stream: StreamConfig): Promise<string> {
  const store = await openStore(database)
  try {
    const account = stream.kind === 'account' ? stream.accountId : 'local'
    return await store.recordAccount(account, { replace: true })
  } finally {
    await store.close()
  }
}
