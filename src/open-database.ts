/** Opens what the gateways of one deployment have in common: the store, the events and the allowances. */
import type { Allowances } from './allowances/allowances.ts'
import { createMemoryAllowances } from './allowances/memory.ts'
import { createPostgresAllowances } from './allowances/postgres.ts'
import type { DatabaseConfig } from './config.ts'
import { codeOf } from './error-code.ts'
import type { UploadEvents } from './events/events.ts'
import { createMemoryEvents } from './events/memory.ts'
import { createPostgresEvents } from './events/postgres.ts'
import { nameDatabase } from './name-database.ts'
import { openPostgres } from './postgres/postgres.ts'
import { withoutValues } from './postgres/without-values.ts'
import { createPostgresStore } from './store/postgres/store.ts'
import { createSqliteStore } from './store/sqlite/sqlite.ts'
import type { UploadStore } from './store/store.ts'
import type { Clock, Log } from './uploads/parts.ts'

export interface Database {
  readonly store: UploadStore
  readonly events: UploadEvents
  readonly allowances: Allowances
  close(): Promise<void>
}

/**
 * Rejects with a sentence that says which variable to set.
 * @param sharedTime what decides over limits and turns that gateways share on PostgreSQL: the server's
 *   clock, or `clock` itself, for tests that move it
 */
export async function openDatabase(
  database: DatabaseConfig,
  clock: Clock,
  log: Log,
  sharedTime: 'server' | 'clock' = 'server',
): Promise<Database> {
  try {
    return database.kind === 'sqlite'
      ? openEmbedded(database.file, clock)
      : await openShared(database, clock, log, sharedTime)
  } catch (error) {
    throw cannotOpen(database, error)
  }
}

/** Name of the emulator's account, which no account of Cloudflare has. */
const EMULATOR_ACCOUNT = 'local'

/**
 * Notes the Stream account of the uploads, and rejects where another is noted: to the wrong account all
 * of them would seem deleted.
 */
export async function requireAccount(
  store: Pick<UploadStore, 'noteAccount'>,
  database: DatabaseConfig,
  account: string,
): Promise<void> {
  const noted = await store.noteAccount(account)
  if (noted !== account) throw new Error(sayOtherAccount(database, noted, account))
}

/** That the uploads belong to another account than the configured one, and what to do. */
export function sayOtherAccount(
  database: DatabaseConfig,
  noted: string,
  configured: string,
): string {
  const back =
    noted === EMULATOR_ACCOUNT
      ? 'leave CLOUDFLARE_ACCOUNT_ID and CLOUDFLARE_API_TOKEN out to go on with the emulator'
      : `set CLOUDFLARE_ACCOUNT_ID to ${noted}`
  return `The database ${nameDatabase(database)} holds uploads of ${nameAccount(noted)}, and the configuration names ${nameAccount(configured)}, which does not know them. Set DATABASE_URL to another database, such as file:.headgate/${configured}.db, or ${back}. To keep this database with the configured account, run \`headgate migrate --adopt-account\`: uploads that it does not know become DELETED.`
}

function nameAccount(account: string): string {
  return account === EMULATOR_ACCOUNT ? 'the emulator (account local)' : `account ${account}`
}

/** What went wrong with this database, for whoever started a command. */
export function cannotOpen(database: DatabaseConfig, error: unknown): Error {
  const name = nameDatabase(database)
  const advice =
    database.kind === 'sqlite'
      ? 'Set DATABASE_URL to file:PATH, a SQLite file in a folder that can be written.'
      : 'Set DATABASE_URL to postgres://USER:PASSWORD@HOST:PORT/NAME, a database that this user may create tables in.'
  return new Error(`Cannot open the database ${name} (${reasonOf(error)}). ${advice}`, {
    cause: error,
  })
}

/** In few words, and none of what was asked: that may be secret. */
export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  return error.cause instanceof Error ? reasonOf(error.cause) : (codeOf(error) ?? error.message)
}

function openEmbedded(file: string, clock: Clock): Database {
  const store = createSqliteStore(file)
  return {
    store,
    events: createMemoryEvents(),
    allowances: createMemoryAllowances(() => clock.monotonicMs()),
    close: () => store.close(),
  }
}

async function openShared(
  config: Extract<DatabaseConfig, { kind: 'postgres' }>,
  clock: Clock,
  log: Log,
  sharedTime: 'server' | 'clock',
): Promise<Database> {
  const isServers = sharedTime === 'server'
  const postgres = openPostgres(config, (error) =>
    log.warn({ err: withoutValues(error) }, 'a connection to the database was lost'),
  )
  try {
    const store = await createPostgresStore(postgres, isServers ? 'server' : 'caller')
    const read = (uids: readonly string[]) => store.findMany(uids)
    const events = await createPostgresEvents({ postgres, read, clock, log })
    return {
      store,
      events,
      allowances: createPostgresAllowances(postgres, () =>
        isServers ? null : clock.now().getTime(),
      ),
      async close() {
        await events.close()
        await store.close()
      },
    }
  } catch (error) {
    await postgres.close()
    throw error
  }
}
