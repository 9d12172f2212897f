/** `headgate backup`: a sound copy of the database, while the gateway goes on working. */
import { existsSync } from 'node:fs'
import { readDatabaseConfig } from '../config/node-config.ts'
import { nameDatabase } from '../name-database.ts'
import { codeOf } from '../shared/error-codes.ts'
import { backUpSqlite } from '../store/sqlite/backup.ts'
import { configured } from './read-config.ts'
import { showControls } from '../shared/terminal-controls.ts'

/** 1 where there is nothing to copy, or the copy cannot be made. */
export async function runBackup(target: string): Promise<number> {
  const database = configured(readDatabaseConfig)
  if (database === null) return 1
  if (database.kind === 'postgres') {
    process.stderr.write(
      `headgate: ${nameDatabase(database)} is backed up by PostgreSQL's own pg_dump.\n`,
    )
    return 1
  }
  const { file } = database
  if (!existsSync(file)) {
    process.stderr.write(`headgate: there is no database at ${file}: set DATABASE_URL.\n`)
    return 1
  }
  try {
    const { uploads, bytes } = await backUpSqlite(file, target)
    process.stdout.write(
      `${target} holds ${uploads} ${uploads === 1 ? 'upload' : 'uploads'} in ${bytes} bytes, and is sound.\n`,
    )
    return 0
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    const code = codeOf(error)
    process.stderr.write(
      `headgate: ${file} was not copied${code === null ? '' : ` (${code})`}: ${showControls(why)}\n`,
    )
    return 1
  }
}
