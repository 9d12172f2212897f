/** Opens the store, the pub/sub adapter and the rate limiter that the gateways of a deployment share. */
import type { RateLimiter } from '../uploads/ports/rate-limiter.ts'
import { createMemoryRateLimiter } from '../rate-limits/memory-rate-limiter.ts'
import { createPostgresRateLimiter } from '../rate-limits/postgres-rate-limiter.ts'
import { type DatabaseConfig, databaseLabel } from '../config/node-config.ts'
import { rootCauseMessage } from '../shared/error-codes.ts'
import { createCreationStore } from '../uploads/create/creation-store.ts'
import type { CreationStore } from '../uploads/ports/creation-store.ts'
import type { UploadPubSub } from '../uploads/ports/upload-pubsub.ts'
import { createMemoryPubSub } from '../pubsub/memory-pubsub.ts'
import { createPostgresPubSub } from '../pubsub/postgres/postgres-pubsub.ts'
import { openPostgres } from '../postgres/connection-pool.ts'
import { sanitizeError } from '../postgres/errors.ts'
import { createPostgresStore } from '../store/postgres/postgres-store.ts'
import { failureMessage, sqliteFailureOf } from '../store/sqlite/failures.ts'
import { type GatewayLock, tryGatewayLock } from '../store/sqlite/gateway-lock.ts'
import { modeIfShared } from '../store/sqlite/owner-only.ts'
import { createSqliteStore } from '../store/sqlite/sqlite-store.ts'
import type { UploadStore } from '../uploads/ports/upload-store.ts'
import type { Logger } from '../shared/logger.ts'
import type { Clock } from '../shared/clock.ts'

export interface Database {
  readonly store: UploadStore
  readonly creations: CreationStore
  readonly pubsub: UploadPubSub
  readonly rateLimiter: RateLimiter
  close(): Promise<void>
}

/** How long to wait for another gateway that is stopping, and between two attempts, in milliseconds. */
const LOCK_WAIT_MS = 5000
const LOCK_RETRY_MS = 100

/**
 * Opens and migrates the database. Rejects with a message that says which variable to set.
 * @param timeSource time source of shared rate limits and leases on PostgreSQL: the server's clock, or
 *   `clock` itself, for tests that move it
 */
export async function openDatabase(
  database: DatabaseConfig,
  clock: Clock,
  log: Logger,
  timeSource: 'server' | 'clock' = 'server',
): Promise<Database> {
  try {
    return database.kind === 'sqlite'
      ? await openSqliteDatabase(database.file, clock, log)
      : await openPostgresDatabase(database, clock, log, timeSource)
  } catch (error) {
    throw openDatabaseError(database, error)
  }
}

/** Account id of the emulator; no Cloudflare account has this id. */
const EMULATOR_ACCOUNT = 'local'

/**
 * Records the Stream account of the uploads. Rejects if the database belongs to another account: all uploads
 * would seem to be deleted at Stream.
 */
export async function requireAccount(
  store: Pick<UploadStore, 'recordAccount'>,
  database: DatabaseConfig,
  account: string,
): Promise<void> {
  const recorded = await store.recordAccount(account)
  if (recorded !== account) throw new Error(otherAccountMessage(database, recorded, account))
}

/** Returns the message for a database that belongs to another account than the configured one. */
export function otherAccountMessage(
  database: DatabaseConfig,
  recorded: string,
  configured: string,
): string {
  const advice =
    recorded === EMULATOR_ACCOUNT
      ? 'unset CLOUDFLARE_ACCOUNT_ID and CLOUDFLARE_API_TOKEN to continue with the emulator'
      : `set CLOUDFLARE_ACCOUNT_ID to ${recorded}`
  return `The database ${databaseLabel(database)} belongs to ${accountLabel(recorded)}, but the configuration has ${accountLabel(configured)}. Set DATABASE_URL to another database, such as file:.headgate/${configured}.db, or ${advice}. To keep this database with the configured account, run \`headgate migrate --adopt-account\`. Uploads that are missing in that account become DELETED.`
}

function accountLabel(account: string): string {
  return account === EMULATOR_ACCOUNT ? 'the emulator (account local)' : `account ${account}`
}

/** Returns an error with the cause and advice for the operator. */
export function openDatabaseError(database: DatabaseConfig, error: unknown): Error {
  if (error instanceof DatabaseInUse) return error
  const name = databaseLabel(database)
  return new Error(
    `Cannot open the database ${name} (${rootCauseMessage(error)}). ${adviceFor(database, error)}`,
    { cause: error },
  )
}

function adviceFor(database: DatabaseConfig, error: unknown): string {
  if (database.kind === 'postgres') {
    return 'Set DATABASE_URL to postgres://USER:PASSWORD@HOST:PORT/NAME, a database in which this user can create tables.'
  }
  const failure = sqliteFailureOf(error)
  return failure === null || failure === 'inaccessible'
    ? 'Set DATABASE_URL to file:PATH, a SQLite file in a writable folder.'
    : failureMessage(failure)
}

async function openSqliteDatabase(file: string, clock: Clock, log: Logger): Promise<Database> {
  const lock = file === ':memory:' ? null : await lockFile(file, clock, log)
  try {
    const store = createSqliteStore(file, {
      wait: (milliseconds, signal) => clock.wait(milliseconds, signal),
    })
    if (lock !== null) warnIfAccessibleToOthers(file, log)
    const rateLimiter = createMemoryRateLimiter(() => clock.monotonicMs())
    return {
      store,
      creations: createCreationStore(store, rateLimiter),
      pubsub: createMemoryPubSub(),
      rateLimiter,
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

class DatabaseInUse extends Error {
  override readonly name = 'DatabaseInUse'

  constructor(file: string) {
    super(
      `Another gateway uses the SQLite file ${file}, which serves one gateway only. Stop the other one, or set DATABASE_URL to PostgreSQL (postgres://…) for several gateways.`,
    )
  }
}

/** Locks the file. Waits for a gateway that is stopping, as during a restart; then rejects with `DatabaseInUse`. */
async function lockFile(file: string, clock: Clock, log: Logger): Promise<GatewayLock> {
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

/** Files created by earlier versions have the permissions of the umask. */
function warnIfAccessibleToOthers(file: string, log: Logger): void {
  const mode = modeIfShared(file)
  if (mode === null) return
  log.warn({ file, mode }, 'database file is accessible to other users; restrict it with chmod 600')
}

async function openPostgresDatabase(
  config: Extract<DatabaseConfig, { kind: 'postgres' }>,
  clock: Clock,
  log: Logger,
  timeSource: 'server' | 'clock',
): Promise<Database> {
  const usesServerTime = timeSource === 'server'
  const postgres = openPostgres(config, (error) =>
    log.warn({ err: sanitizeError(error) }, 'idle database connection lost'),
  )
  try {
    const store = await createPostgresStore(postgres, usesServerTime ? 'server' : 'caller')
    const read = (uids: readonly string[]) => store.findMany(uids)
    const pubsub = await createPostgresPubSub({ postgres, read, clock, log })
    return {
      store,
      creations: store,
      pubsub,
      rateLimiter: createPostgresRateLimiter(postgres, () =>
        usesServerTime ? null : clock.now().getTime(),
      ),
      async close() {
        await pubsub.close()
        await store.close()
      },
    }
  } catch (error) {
    await postgres.close()
    throw error
  }
}
