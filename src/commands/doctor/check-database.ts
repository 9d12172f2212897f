/** What `headgate doctor` finds of the database, which is not changed for it. */
import type { DatabaseConfig } from '../../config/node-config.ts'
import { codeOf } from '../../shared/error-codes.ts'
import { nameDatabase } from '../../name-database.ts'
import { sayOtherAccount } from '../../node/open-database.ts'
import { openPostgres } from '../../postgres/connection-pool.ts'
import { countLackingIn, readAccountIn } from '../../store/postgres/migrate.ts'
import { inspectSqlite } from '../../store/sqlite/inspect.ts'
import type { Finding } from './checks.ts'

const subject = 'Database'

/** @param account of Stream, as configured */
export async function examineDatabase(database: DatabaseConfig, account: string): Promise<Finding> {
  const name = nameDatabase(database)
  try {
    return database.kind === 'sqlite'
      ? examineFile(database, account)
      : await examineServer(database, name, account)
  } catch (error) {
    return database.kind === 'sqlite'
      ? wrong(
          `${name} cannot be read (${codeOf(error) ?? 'no SQLite file'}): set DATABASE_URL to another, or mend its permissions.`,
        )
      : wrong(`${name} does not answer (${reasonOf(error)}): check DATABASE_URL and the way to it.`)
  }
}

function examineFile(
  database: Extract<DatabaseConfig, { kind: 'sqlite' }>,
  account: string,
): Finding {
  const { file } = database
  const found = inspectSqlite(file)
  if (found === null) return well(`${file} is not there yet: \`serve\` makes it.`)
  if (!found.sound) {
    return wrong(
      `${file} is damaged, or is not a SQLite database: restore a backup, as src/store/backups.md describes.`,
    )
  }
  if (found.lacking > 0) return lacks(file, found.lacking)
  const foreign = belongsTo(database, found.account, account)
  if (foreign !== null) return foreign
  if (found.modeForOthers === null) return well(`${file} is sound and up to date.`)
  return odd(`${file} is sound and up to date, but other users may read it: \`chmod 600 ${file}\`.`)
}

async function examineServer(
  database: Extract<DatabaseConfig, { kind: 'postgres' }>,
  name: string,
  account: string,
): Promise<Finding> {
  const postgres = openPostgres(database, () => undefined)
  try {
    const client = await postgres.connect()
    try {
      const lacking = await countLackingIn(client)
      if (lacking > 0) return lacks(name, lacking)
      const noted = await readAccountIn(client)
      return belongsTo(database, noted, account) ?? well(`${name} answers and is up to date.`)
    } finally {
      await client.end()
    }
  } finally {
    await postgres.close()
  }
}

/** Null where the uploads may be the configured account's. */
function belongsTo(
  database: DatabaseConfig,
  noted: string | null,
  account: string,
): Finding | null {
  return noted === null || noted === account
    ? null
    : wrong(sayOtherAccount(database, noted, account))
}

/** The innermost says it best. */
function reasonOf(error: unknown): string {
  if (error instanceof Error && error.cause instanceof Error) return reasonOf(error.cause)
  return codeOf(error) ?? (error instanceof Error ? error.message : String(error))
}

function well(sentence: string): Finding {
  return { state: 'well', subject, sentence }
}

function wrong(sentence: string): Finding {
  return { state: 'wrong', subject, sentence }
}

function odd(sentence: string): Finding {
  return { state: 'odd', subject, sentence }
}

function lacks(name: string, count: number): Finding {
  return odd(`${name} lacks ${count} of its migrations: \`serve\` and \`migrate\` apply them.`)
}
