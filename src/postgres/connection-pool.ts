/** PostgreSQL as the gateway needs it: a pool, time limits, and one place where its absence is noticed. */
import { Client, Pool, type ClientConfig } from 'pg'
import { type Reach, createReach } from './circuit-breaker.ts'

/** An open way to one database. Nothing is asked before somebody asks. */
export interface Postgres {
  readonly pool: Pool
  /** Around all that is asked, see `Reach`. */
  readonly reach: Reach
  /** A new connection beside the pool, with these limits of its own. The caller ends it. */
  connect(limits?: ClientConfig): Promise<Client>
  /** Waits for what is under way, and closes the pool. */
  close(): Promise<void>
}

export interface PostgresOptions {
  /** `postgres://user:password@host:port/name?sslmode=…`. A secret: never logged. */
  readonly url: string
  /** Connections that one gateway holds at most, besides the one it listens on. */
  readonly connections: number
}

/** Until a connection stands or one of the pool is free, in milliseconds. */
const CONNECT_MS = 3000
/**
 * How long a statement may take: the server gives it up first, so that it does not go on unheard, and
 * a server that is silent altogether is given up a little later.
 */
const STATEMENT_MS = 8000
const SILENCE_MS = 10_000
/** How long one waits for a row that somebody else writes. */
const LOCK_MS = 5000
/** How long a transaction may stand open without a word, such as of a gateway that froze. */
const IDLE_TRANSACTION_MS = 10_000
/**
 * What statements lean on, whatever the server, the database or the role have otherwise: dates are read as
 * ISO 8601, and whoever waited for a lock sees what was written meanwhile.
 */
const SETTINGS = '-c datestyle=ISO -c default_transaction_isolation=read\\ committed'
/** A connection that nobody used for so long is closed. */
const IDLE_MS = 60_000

/** @param onLost told of connections that broke while nobody used them */
export function openPostgres(
  { url, connections }: PostgresOptions,
  onLost: (error: Error) => void,
): Postgres {
  const shared: ClientConfig = {
    connectionString: url,
    connectionTimeoutMillis: CONNECT_MS,
    keepAlive: true,
    application_name: 'headgate',
    options: SETTINGS,
  }
  const pool = new Pool({
    ...shared,
    max: connections,
    idleTimeoutMillis: IDLE_MS,
    statement_timeout: STATEMENT_MS,
    query_timeout: SILENCE_MS,
    lock_timeout: LOCK_MS,
    idle_in_transaction_session_timeout: IDLE_TRANSACTION_MS,
  })
  // The pool has dropped it already; without a listener it would end the process.
  pool.on('error', onLost)
  const reach = createReach()

  let closed: Promise<void> | undefined
  return {
    pool,
    reach,
    async connect(limits = {}) {
      const client = new Client({ ...shared, ...limits })
      client.on('error', onLost)
      await reach(() => client.connect())
      return client
    },
    close: () => (closed ??= pool.end()),
  }
}
