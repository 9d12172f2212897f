/** `headgate migrate`: brings the database up to date without starting anything. */
import { readDatabaseConfig } from '../config.ts'
import { opening } from '../opening.ts'
import { openSqlite } from '../store/sqlite/database.ts'
import { configured } from './configured.ts'

export async function runMigrate(): Promise<number> {
  const file = configured(readDatabaseConfig)
  if (file === null) return 1
  const { connection, applied } = opening(file, openSqlite)
  connection.close()
  const did =
    applied === 0
      ? 'was up to date already'
      : `took ${applied} ${applied === 1 ? 'migration' : 'migrations'}`
  process.stdout.write(`${file} ${did}.\n`)
  return 0
}
