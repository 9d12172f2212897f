/** Opens what the gateways of one deployment have in common: the store, the events and the allowances. */
import type { Allowances } from '../uploads/ports/rate-limiter.ts'
import { createMemoryAllowances } from '../rate-limits/memory-rate-limiter.ts'
import { createPostgresAllowances } from '../rate-limits/postgres-rate-limiter.ts'
import type { DatabaseConfig } from '../config/node-config.ts'
import { codeOf } from '../shared/error-codes.ts'
import type { UploadEvents } from '../uploads/ports/upload-pubsub.ts'
import { createMemoryEvents } from '../pubsub/memory-pubsub.ts'
import { createPostgresEvents } from '../pubsub/postgres/postgres-pubsub.ts'
import { nameDatabase } from '../name-database.ts'
import { openPostgres } from '../postgres/connection-pool.ts'
import { withoutValues } from '../postgres/without-values.ts'
import { createPostgresStore } from '../store/postgres/postgres-store.ts'
import { sentenceOfFailure, sqliteFailureOf } from '../store/sqlite/failures.ts'
import { type GatewayLock, tryGatewayLock } from '../store/sqlite/gateway-lock.ts'
import { modeForOthers } from '../store/sqlite/owner-only.ts'
import { createSqliteStore } from '../store/sqlite/sqlite-store.ts'
import type { UploadStore } from '../uploads/ports/upload-store.ts'
import type { Clock, Log } from '../uploads/dependencies.ts'

export interface Database {
  readonly store: UploadStore
  readonly events: UploadEvents
  readonly allowances: Allowances
  close(): Promise<void>
}

/** Milliseconds for which a gateway waits for another one that is stopping, and between two attempts. */
const LOCK_WAIT_MS = 5000
const LOCK_RETRY_MS = 100

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
      ? await openEmbedded(database.file, clock, log)
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
  if (error instanceof DatabaseInUse) return error
  const name = nameDatabase(database)
  return new Error(
    `Cannot open the database ${name} (${reasonOf(error)}). ${adviceFor(database, error)}`,
    { cause: error },
  )
}

function adviceFor(database: DatabaseConfig, error: unknown): string {
  if (database.kind === 'postgres') {
    return 'Set DATABASE_URL to postgres://USER:PASSWORD@HOST:PORT/NAME, a database that this user may create tables in.'
  }
  const failure = sqliteFailureOf(error)
  return failure === null || failure === 'inaccessible'
    ? 'Set DATABASE_URL to file:PATH, a SQLite file in a folder that can be written.'
    : sentenceOfFailure(failure)
}

/** In few words, and none of what was asked: that may be secret. */
export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  return error.cause instanceof Error ? reasonOf(error.cause) : (codeOf(error) ?? error.message)
}

async function openEmbedded(file: string, clock: Clock, log: Log): Promise<Database> {
  const lock = file === ':memory:' ? null : await lockFile(file, clock, log)
  try {
    const store = createSqliteStore(file, {
      wait: (milliseconds, signal) => clock.wait(milliseconds, signal),
    })
    if (lock !== null) warnOfOthers(file, log)
    return {
      store,
      events: createMemoryEvents(),
      allowances: createMemoryAllowances(() => clock.monotonicMs()),
      async close() {
        try {
          await store.close()
        } finally {
          lock?.release()
        }
      },
    }
  } catch (error) {
    lock?.release()
    throw error
  }
}

/** Another gateway has the SQLite file open. */
class DatabaseInUse extends Error {
  override readonly name = 'DatabaseInUse'

  constructor(file: string) {
    super(
      `Another gateway uses the SQLite file ${file}, which serves one gateway only. Stop the other one, or set DATABASE_URL to PostgreSQL (postgres://…) for several gateways.`,
    )
  }
}

/** Waits for a gateway that is stopping, as at a restart; rejects with `DatabaseInUse` for one that is not. */
async function lockFile(file: string, clock: Clock, log: Log): Promise<GatewayLock> {
  for (let waitedMs = 0; waitedMs <= LOCK_WAIT_MS; waitedMs += LOCK_RETRY_MS) {
    const lock = tryGatewayLock(file)
    if (lock !== null) return lock
    if (waitedMs === LOCK_WAIT_MS) break
    if (waitedMs === 0) {
      log.warn({ file }, 'SQLite file is used by another gateway; waiting for it to stop')
    }
    await clock.wait(LOCK_RETRY_MS)
  }
  throw new DatabaseInUse(file)
}

/** A file of an earlier version was created as the umask said. */
function warnOfOthers(file: string, log: Log): void {
  const mode = modeForOthers(file)
  if (mode === null) return
  log.warn({ file, mode }, 'database file is accessible to other users; restrict it with chmod 600')
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
