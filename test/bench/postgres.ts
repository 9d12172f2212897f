/** A PostgreSQL for rows that want one, with every commit on the disk before it is answered. */
import { createPostgresStore, openPostgres } from 'headgate'
import { type PostgresServer, findPostgres, startPostgres } from '../kit/postgres-server.ts'
import { fill } from './seed.ts'
import type { Setup } from './setup.ts'

/** A database with uploads in it. */
export interface SeededPostgres {
  readonly url: string
  /** Of the process that has started all others of the server. */
  readonly pid: number
}

const DATABASE = 'headgate'
/** Connections by which it is filled. */
const CONNECTIONS = 10

/** Null, with a word about it, where the machine has no PostgreSQL. */
export async function withSeededPostgres<T>(
  { say }: Setup,
  uploads: number,
  work: (database: SeededPostgres) => Promise<T>,
): Promise<T | null> {
  const programs = await findPostgres()
  if (programs === null) {
    say('skipped, since there is no PostgreSQL on this machine (Debian: postgresql)')
    return null
  }
  const server = await startPostgres(programs, true)
  const end = (): void => endAtOnce(server)
  process.once('exit', end)
  try {
    const pid = server.pid()
    if (pid === null) throw new Error('PostgreSQL has ended by itself.')
    await server.createDatabase(DATABASE)
    const url = server.url(DATABASE)
    say(`writing ${uploads} uploads into PostgreSQL`)
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
  // What the planner knows of it, as after some hours of work.
  await postgres.pool.query('vacuum analyze')
  await store.close()
}

/** Whoever ends the benchmark does not wait. */
function endAtOnce(server: PostgresServer): void {
  const pid = server.pid()
  if (pid !== null) process.kill(pid, 'SIGQUIT')
}
