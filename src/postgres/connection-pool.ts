/** PostgreSQL connection pool with timeouts and a circuit breaker. */
import { Client, Pool, type ClientConfig } from 'pg'
import { StoreUnavailable } from '../uploads/ports/store-unavailable.ts'
import { type CircuitBreaker, createCircuitBreaker } from './circuit-breaker.ts'

/** Access to one database. Connects on first use. */
export interface Postgres {
  readonly pool: Pool
  /** Executes an operation through the circuit breaker; all queries must use it. */
  readonly run: CircuitBreaker
  /** The last write that failed because the server accepts none; null after `clearWriteFailure`. */
  writeFailure(): StoreUnavailable | null
  /** To be called when a write succeeded. */
  clearWriteFailure(): void
  /** Opens a connection outside the pool, with its own timeouts. The caller closes it. */
  connect(limits?: ClientConfig): Promise<Client>
  /** Waits for active queries, and closes the pool. */
  close(): Promise<void>
}

export interface PostgresOptions {
  /** `postgres://user:password@host:port/name?sslmode=…`. Contains a password. Must not be logged. */
  readonly url: string
  /** Pool size per gateway, without the LISTEN connection. */
  readonly connections: number
}

/** Timeout in milliseconds to connect, or to get a free connection of the pool. */
const CONNECT_MS = 3000
/**
 * Statement timeouts in milliseconds. The server cancels first, so that no query keeps running after the
 * client timeout. The client timeout covers a server that does not respond at all.
 */
const STATEMENT_MS = 8000
const QUERY_TIMEOUT_MS = 10_000
/** Timeout in milliseconds for row locks held by other transactions. */
const LOCK_MS = 5000
/** Timeout in milliseconds of idle transactions, such as those of a frozen gateway. */
const IDLE_TRANSACTION_MS = 10_000
/**
 * Settings that statements rely on, regardless of the server's defaults. Dates are ISO 8601, and a statement that
 * waited for a lock sees the changes made meanwhile.
 */
const SETTINGS = '-c datestyle=ISO -c default_transaction_isolation=read\\ committed'
/** Milliseconds after which an idle connection is closed. */
const IDLE_MS = 60_000

/** @param onLost called for connections that broke while idle */
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
    query_timeout: QUERY_TIMEOUT_MS,
    lock_timeout: LOCK_MS,
    idle_in_transaction_session_timeout: IDLE_TRANSACTION_MS,
  })
  // The pool has removed the connection already; an unhandled `error` event would end the process.
  pool.on('error', onLost)
  const breaker = createCircuitBreaker()
  let writeFailure: StoreUnavailable | null = null

  const run: CircuitBreaker = async (work) => {
    try {
      return await breaker(work)
    } catch (error) {
      // Only a server that accepts no writes has a reason.
      if (error instanceof StoreUnavailable && error.reason !== null) writeFailure = error
      throw error
    }
  }

  let closed: Promise<void> | undefined
  return {
    pool,
    run,
    writeFailure: () => writeFailure,
    clearWriteFailure: () => {
      writeFailure = null
    },
    async connect(limits = {}) {
      const client = new Client({ ...shared, ...limits })
      client.on('error', onLost)
      await run(() => client.connect())
      return client
    },
    close: () => (closed ??= pool.end()),
  }
}
