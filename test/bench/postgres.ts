/** Starts a PostgreSQL server with durable commits for the rows that need one. */
import { createPostgresStore, openPostgres } from 'headgate'
import { type PostgresServer, findPostgres, startPostgres } from '../kit/postgres-server.ts'
import { fill } from './seed.ts'
import type { Setup } from './setup.ts'

/** A database that contains uploads. */
export interface SeededPostgres {
  readonly url: string
  /** Process id of the postmaster. */
  readonly pid: number
}

const DATABASE = 'headgate'
/** Connections used for seeding. */
const CONNECTIONS = 10

/** Runs `work` with a seeded database. Returns null, after a message, without a PostgreSQL installation. */
export async function withSeededPostgres<T>(
  { log }: Setup,
  uploads: number,
  work: (database: SeededPostgres) => Promise<T>,
): Promise<T | null> {
  const programs = await findPostgres()
  if (programs === null) {
    log('skipped: PostgreSQL is not installed (Debian: postgresql)')
    return null
  }
  const server = await startPostgres(programs, true)
  const end = (): void => endImmediately(server)
  process.once('exit', end)
  try {
    const pid = server.pid()
    if (pid === null) throw new Error('PostgreSQL exited unexpectedly.')
    await server.createDatabase(DATABASE)
    const url = server.url(DATABASE)
    log(`writing ${uploads} uploads into PostgreSQL`)
    await seedPostgres(url, uploads)
    return await work({ url, pid })
  } finally {
    process.off('exit', end)
    await server.remove()
  }
}

async function seedPostgres(url: string, uploads: number): Promise<void> {
  const postgres = openPostgres({ url, connections: CONNECTIONS }, () => undefined)
  const store = await createPostgresStore(postgres)
  await fill(store, uploads)
  // Gives the planner statistics, as autovacuum does after some time.
  await postgres.pool.query('vacuum analyze')
  await store.close()
}

/** Immediate shutdown, for the exit of the benchmark, which cannot wait. */
function endImmediately(server: PostgresServer): void {
  const pid = server.pid()
  if (pid !== null) process.kill(pid, 'SIGQUIT')
}
