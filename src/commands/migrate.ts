/** `headgate migrate`: brings the database up to date without starting anything. */
import { type DatabaseConfig, readDatabaseConfig } from '../config.ts'
import { nameDatabase } from '../name-database.ts'
import { cannotOpen } from '../open-database.ts'
import { openPostgres } from '../postgres/postgres.ts'
import { migratePostgres } from '../store/postgres/migrate.ts'
import { openSqlite } from '../store/sqlite/database.ts'
import { configured } from './configured.ts'

export async function runMigrate(): Promise<number> {
  const database = configured(readDatabaseConfig)
  if (database === null) return 1
  const applied = await bringUpToDate(database)
  const did =
    applied === 0
      ? 'was up to date already'
      : `took ${applied} ${applied === 1 ? 'migration' : 'migrations'}`
  process.stdout.write(`${nameDatabase(database)} ${did}.\n`)
  return 0
}

/** How many migrations were applied. */
async function bringUpToDate(database: DatabaseConfig): Promise<number> {
  try {
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
  } catch (error) {
    throw cannotOpen(database, error)
  }
}
