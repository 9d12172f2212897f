/** `headgate migrate`: brings the database up to date without starting anything. */
import { openSqlite } from '../store/sqlite/database.ts'
import { configured } from './configured.ts'

export async function runMigrate(): Promise<number> {
  const config = configured()
  if (config === null) return 1
  const { connection, applied } = openSqlite(config.databaseFile)
  connection.close()
  const did =
    applied === 0
      ? 'was up to date already'
      : `took ${applied} ${applied === 1 ? 'migration' : 'migrations'}`
  process.stdout.write(`${config.databaseFile} ${did}.\n`)
  return 0
}
