/** Database checks of `headgate doctor`; read-only. */
import { type DatabaseConfig, databaseLabel } from '../../config/node-config.ts'
import { errorCodeOf, rootCauseMessage } from '../../shared/error-codes.ts'
import { otherAccountMessage } from '../../node/open-database.ts'
import { openPostgres } from '../../postgres/connection-pool.ts'
import { countPendingMigrations, readAccountIn } from '../../store/postgres/migrate.ts'
import { inspectSqlite } from '../../store/sqlite/inspect.ts'
import type { CheckResult } from './checks.ts'

const subject = 'Database'

/** @param account id of the configured Stream account */
export async function checkDatabase(
  database: DatabaseConfig,
  account: string,
): Promise<CheckResult> {
  const name = databaseLabel(database)
  try {
    return database.kind === 'sqlite'
      ? checkFile(database, account)
      : await checkServer(database, name, account)
  } catch (cause) {
    return database.kind === 'sqlite'
      ? error(
          `${name} cannot be read (${errorCodeOf(cause) ?? 'no SQLite file'}). Fix its permissions, or set DATABASE_URL to another database.`,
        )
      : error(
          `${name} does not respond (${rootCauseMessage(cause)}). Check DATABASE_URL and the network.`,
        )
  }
}

function checkFile(
  database: Extract<DatabaseConfig, { kind: 'sqlite' }>,
  account: string,
): CheckResult {
  const { file } = database
  const found = inspectSqlite(file)
  if (found === null) return ok(`${file} does not exist yet. \`serve\` creates it.`)
  if (!found.isIntact) {
    return error(
      `${file} is damaged, or is not a SQLite database. Restore a backup, as src/store/backups.md describes.`,
    )
  }
  if (found.pendingMigrations > 0) return pendingMigrationsError(file, found.pendingMigrations)
  const accountError = checkAccount(database, found.account, account)
  if (accountError !== null) return accountError
  if (found.modeIfShared === null) return ok(`${file} is intact and up to date.`)
  return warning(
    `${file} is intact and up to date, but other users can read it. Run \`chmod 600 ${file}\`.`,
  )
}

async function checkServer(
  database: Extract<DatabaseConfig, { kind: 'postgres' }>,
  name: string,
  account: string,
): Promise<CheckResult> {
  const postgres = openPostgres(database, () => undefined)
  try {
    const client = await postgres.connect()
    try {
      const pending = await countPendingMigrations(client)
      if (pending > 0) return pendingMigrationsError(name, pending)
      const recorded = await readAccountIn(client)
      return checkAccount(database, recorded, account) ?? ok(`${name} responds and is up to date.`)
    } finally {
      await client.end()
    }
  } finally {
    await postgres.close()
  }
}

/** Returns an error if the database belongs to another account; null if not, or if none is recorded. */
function checkAccount(
  database: DatabaseConfig,
  recorded: string | null,
  account: string,
): CheckResult | null {
  return recorded === null || recorded === account
    ? null
    : error(otherAccountMessage(database, recorded, account))
}

function ok(sentence: string): CheckResult {
  return { state: 'ok', subject, sentence }
}

function error(sentence: string): CheckResult {
  return { state: 'error', subject, sentence }
}

function warning(sentence: string): CheckResult {
  return { state: 'warning', subject, sentence }
}

function pendingMigrationsError(name: string, count: number): CheckResult {
  return warning(`${name} has pending migrations (${count}). \`serve\` and \`migrate\` apply them.`)
}
