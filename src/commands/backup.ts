/** `headgate backup`: a consistent copy of the SQLite database while the gateway runs. */
import { existsSync } from 'node:fs'
import { readDatabaseConfig, databaseLabel } from '../config/node-config.ts'
import { errorCodeOf } from '../shared/error-codes.ts'
import { backupSqlite } from '../store/sqlite/backup.ts'
import { readConfigOrReport } from './read-config.ts'
import { escapeControls } from '../shared/terminal-controls.ts'

/** Returns the exit code: 1 if there is no SQLite file or the copy fails. */
export async function runBackup(target: string): Promise<number> {
  const database = readConfigOrReport(readDatabaseConfig)
  if (database === null) return 1
  if (database.kind === 'postgres') {
    process.stderr.write(
      `headgate: ${databaseLabel(database)} is not a SQLite file. Back it up with pg_dump.\n`,
    )
    return 1
  }
  const { file } = database
  if (!existsSync(file)) {
    process.stderr.write(`headgate: no database at ${file}. Set DATABASE_URL.\n`)
    return 1
  }
  try {
    const { uploads, bytes } = await backupSqlite(file, target)
    process.stdout.write(
      `${target}: ${uploads} ${uploads === 1 ? 'upload' : 'uploads'}, ${bytes} bytes, integrity check passed.\n`,
    )
    return 0
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    const code = errorCodeOf(error)
    process.stderr.write(
      `headgate: copying ${file} failed${code === null ? '' : ` (${code})`}: ${escapeControls(reason)}\n`,
    )
    return 1
  }
}
