/** Migrates a PostgreSQL database; safe when several gateways start at once. */
import { isRecord } from '../../shared/json.ts'
import { fileURLToPath } from 'node:url'
import { readMigrationFiles } from 'drizzle-orm/migrator'
import type { ClientBase } from 'pg'
import type { Postgres } from '../../postgres/connection-pool.ts'

/** `src` and `dist` are at the same depth, so the path is valid from both. */
const MIGRATIONS = fileURLToPath(new URL('../../../migrations/postgres', import.meta.url))

/** Id of the advisory lock held while migrating; any constant unique in this project. */
const MIGRATION_LOCK = 720_401

/** Oldest supported server version, in PostgreSQL's numbering. */
const OLDEST_SERVER = { number: 140_000, name: '14' }

/** Lock timeout in milliseconds for table changes, so that queued writers are not blocked for long. */
const LOCK_MS = 5000
/** Idle timeout in milliseconds, so that a frozen process releases the migration lock. */
const IDLE_TRANSACTION_MS = 30_000

/**
 * Updates transaction ids after a restore from a dump: they come from another server, and may be in the
 * future here.
 */
const RENUMBER =
  'update uploads set version = version where uid is not null and changed_in >= pg_snapshot_xmax(pg_current_snapshot())'

/**
 * Applies pending migrations, all or nothing, and returns their number. Concurrent callers wait, then find
 * nothing pending. Throws if the server is too old, or its encoding or date style is unsupported.
 * @param folder another migrations folder, for tests
 */
export async function migratePostgres(postgres: Postgres, folder = MIGRATIONS): Promise<number> {
  // Without the pool's timeouts: building an index over many uploads takes long.
  const client = await postgres.connect({ lock_timeout: LOCK_MS })
  try {
    return await postgres.run(() => migrate(client, folder))
  } finally {
    await client.end()
  }
}

/** Returns the number of pending migrations without changing the database. */
export async function countPendingMigrations(
  client: ClientBase,
  folder = MIGRATIONS,
): Promise<number> {
  const { rows } = await client.query(
    "select to_regclass('headgate_migrations') is not null as present",
  )
  const tableExists = isRecord(rows[0]) && rows[0]['present'] === true
  const applied = tableExists ? await readApplied(client) : 0
  return migrationsAfter(applied, folder).length
}

/** Returns the Stream account of the uploads; null if none is recorded or there are no uploads. */
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
  // Migrations may take any time, but an idle transaction is ended.
  await client.query('set local statement_timeout = 0')
  await client.query(`set local idle_in_transaction_session_timeout = ${IDLE_TRANSACTION_MS}`)
  // Waiting for another migration has no timeout; only table locks have.
  await client.query('set local lock_timeout = 0')
  await client.query('select pg_advisory_xact_lock($1)', [MIGRATION_LOCK])
  await client.query(`set local lock_timeout = ${LOCK_MS}`)
  await client.query(
    'create table if not exists headgate_migrations (hash text primary key, made_at bigint not null)',
  )
  const pending = migrationsAfter(await readApplied(client), folder)
  for (const { sql, hash, folderMillis } of pending) {
    for (const statement of sql) await client.query(statement)
    await client.query('insert into headgate_migrations values ($1, $2)', [hash, folderMillis])
  }
  await client.query(RENUMBER)
  await client.query('commit')
  return pending.length
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
      `The database is encoded in ${String(version['encoding'])}. Create one with \`encoding 'UTF8'\`.`,
    )
  }
  // A pooler that drops `options` would leave another date style, and dates would be misread.
  if (!String(version['dates']).startsWith('ISO')) {
    throw new Error(
      `The DateStyle of the database is ${String(version['dates'])}. Set it to ISO, or configure the pooler to pass \`options\`.`,
    )
  }
}

function migrationsAfter(newest: number, folder: string) {
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
