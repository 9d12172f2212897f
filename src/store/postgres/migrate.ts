/** Brings a PostgreSQL database up to date, also where several gateways start at once. */
import { fileURLToPath } from 'node:url'
import { readMigrationFiles } from 'drizzle-orm/migrator'
import type { ClientBase } from 'pg'
import type { Postgres } from '../../postgres/connection-pool.ts'

/** The same from `src` and from `dist`, which lie at the same depth. */
const MIGRATIONS = fileURLToPath(new URL('../../../migrations/postgres', import.meta.url))

/** Names the lock that whoever migrates holds; a number of our own. */
const MIGRATION_LOCK = 720_401

/** The oldest server with all that the statements use, as PostgreSQL numbers versions. */
const OLDEST_SERVER = { number: 140_000, name: '14' }

/** How long a change of a table waits for those who write to it, so that they never wait for long. */
const LOCK_MS = 5000
/** A migration does not stand still for so long, in milliseconds. */
const FROZEN_MS = 30_000

/**
 * Where the database was restored from a dump, its changes have the numbers of another server's
 * transactions, which may lie ahead here.
 */
const RENUMBER =
  'update uploads set version = version where uid is not null and changed_in >= pg_snapshot_xmax(pg_current_snapshot())'

/**
 * Applies what is lacking, all or nothing, and says how many migrations that were. Whoever comes
 * meanwhile waits, and finds nothing to do. Throws where the server is too old.
 * @param folder of another list of migrations than the package's own, for tests
 */
export async function migratePostgres(postgres: Postgres, folder = MIGRATIONS): Promise<number> {
  // Without the pool's limits: an index over many uploads takes its time.
  const client = await postgres.connect({ lock_timeout: LOCK_MS })
  try {
    return await postgres.reach(() => migrate(client, folder))
  } finally {
    await client.end()
  }
}

/** How many migrations the database lacks, which is not changed for it. */
export async function countLackingIn(client: ClientBase, folder = MIGRATIONS): Promise<number> {
  const { rows } = await client.query(
    "select to_regclass('headgate_migrations') is not null as present",
  )
  const isThere = isRecord(rows[0]) && rows[0]['present'] === true
  const applied = isThere ? await readApplied(client) : 0
  return lackingSince(applied, folder).length
}

/** The Stream account of the uploads; null where none is noted, or there are no uploads yet. */
export async function readAccountIn(client: ClientBase): Promise<string | null> {
  const { rows } = await client.query(
    'select account from deployments where exists (select 1 from uploads where uid is not null)',
  )
  const account: unknown = isRecord(rows[0]) ? rows[0]['account'] : null
  return typeof account === 'string' ? account : null
}

async function migrate(client: ClientBase, folder: string): Promise<number> {
  await requireServer(client)
  await client.query('begin')
  // However long it takes; but whoever freezes in it lets go.
  await client.query('set local statement_timeout = 0')
  await client.query(`set local idle_in_transaction_session_timeout = ${FROZEN_MS}`)
  // Waiting for another who migrates is no waiting for a table.
  await client.query('set local lock_timeout = 0')
  await client.query('select pg_advisory_xact_lock($1)', [MIGRATION_LOCK])
  await client.query(`set local lock_timeout = ${LOCK_MS}`)
  await client.query(
    'create table if not exists headgate_migrations (hash text primary key, made_at bigint not null)',
  )
  const lacking = lackingSince(await readApplied(client), folder)
  for (const { sql, hash, folderMillis } of lacking) {
    for (const statement of sql) await client.query(statement)
    await client.query('insert into headgate_migrations values ($1, $2)', [hash, folderMillis])
  }
  await client.query(RENUMBER)
  await client.query('commit')
  return lacking.length
}

async function requireServer(client: ClientBase): Promise<void> {
  const { rows } = await client.query(
    "select current_setting('server_version_num')::int as number, current_setting('server_version') as name, current_setting('server_encoding') as encoding, current_setting('DateStyle') as dates",
  )
  const version = isRecord(rows[0]) ? rows[0] : {}
  if (!(Number(version['number']) >= OLDEST_SERVER.number)) {
    throw new Error(
      `PostgreSQL ${String(version['name'])} is too old: headgate needs ${OLDEST_SERVER.name} or newer.`,
    )
  }
  if (version['encoding'] !== 'UTF8') {
    throw new Error(
      `The database is encoded in ${String(version['encoding'])}: make one with \`encoding 'UTF8'\`.`,
    )
  }
  // A pooler that passes no options on would have dates misread.
  if (!String(version['dates']).startsWith('ISO')) {
    throw new Error(
      `The database writes dates as ${String(version['dates'])}: set its DateStyle to ISO, or have the pooler pass \`options\` on.`,
    )
  }
}

function lackingSince(newest: number, folder: string) {
  return readMigrationFiles({ migrationsFolder: folder }).filter(
    ({ folderMillis }) => folderMillis > newest,
  )
}

async function readApplied(client: ClientBase): Promise<number> {
  const { rows } = await client.query(
    'select coalesce(max(made_at), 0)::float8 as newest from headgate_migrations',
  )
  return isRecord(rows[0]) ? Number(rows[0]['newest']) : 0
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null
}
