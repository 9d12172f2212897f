/** Moves a deployment from SQLite to PostgreSQL: copies what the target lacks, and compares the two. */
import { sql } from 'drizzle-orm'
import { type NodePgDatabase, drizzle } from 'drizzle-orm/node-postgres'
import type { Postgres } from '../../postgres/connection-pool.ts'
import { migratePostgres } from '../postgres/migrate.ts'
import {
  keptNotices,
  uploadEvents,
  uploads,
  uploadTallies,
  uploadTallyChanges,
} from '../postgres/tables.ts'
import { foldAll } from '../postgres/maintenance.ts'
import { type Census, type Difference, differencesOf } from './summary.ts'
import { copyBatch } from './copy-batch.ts'
import { copyNotices } from './copy-webhooks.ts'
import { countTarget } from './target-summary.ts'
import type { UploadSource } from './sqlite-source.ts'
import { removeGone } from './delete-stale-reservations.ts'
import { takeName } from './adopt-deployment-id.ts'

export type MoveOutcome =
  /** Both hold the same. */
  | { readonly kind: 'moved'; readonly census: Census }
  /** All was copied, and yet they differ: somebody works on one of them. */
  | {
      readonly kind: 'different'
      readonly differences: readonly Difference[]
      /** Uploads that only the target has, or has newer: a gateway has worked on it. */
      readonly own: number
    }
  /** The target holds what is another deployment's. Nothing was copied. */
  | { readonly kind: 'foreign'; readonly source: string; readonly target: string }
  /** No gateway ever worked on the source. Nothing was copied. */
  | { readonly kind: 'nameless' }
  /** Somebody else moves uploads to the target at this moment. Nothing was copied. */
  | { readonly kind: 'busy' }

export interface MoveOptions {
  /** Rows of one transaction. */
  readonly rowsABatch?: number
  /** Told after each batch: rows that were gone through, and how many there were at the beginning. */
  readonly onProgress?: (rows: number, size: number) => void
}

/** Names the lock of whoever moves; a number of our own. */
const MOVE_LOCK = 720_404

/**
 * May be run again at any time, after an interruption as well: it brings over what is missing or changed.
 * Migrates the target first. Rejects with `StoreUnavailable` where that does not answer.
 */
export async function moveUploads(
  source: UploadSource,
  postgres: Postgres,
  options: MoveOptions = {},
): Promise<MoveOutcome> {
  const { deployment } = source
  if (deployment === null) return { kind: 'nameless' }
  await migratePostgres(postgres)
  // One connection, without the pool's limits: its lock ends with it, whatever becomes of this process.
  const client = await postgres.connect()
  try {
    return await postgres.reach(() => move(source, deployment, drizzle({ client }), options))
  } finally {
    await client.end()
  }
}

async function move(
  source: UploadSource,
  deployment: string,
  db: NodePgDatabase,
  { rowsABatch = 1000, onProgress = () => undefined }: MoveOptions,
): Promise<MoveOutcome> {
  if (!(await lockFor(db))) return { kind: 'busy' }
  const name = await takeName(db, { name: deployment, account: source.account })
  if (name !== deployment) return { kind: 'foreign', source: deployment, target: name }

  // First: a reservation that is gone may have a key that is another's now.
  const own = await removeGone(db, source)
  const size = source.size()
  let after = ''
  let rows = 0
  for (;;) {
    const batch = source.batchAfter(after, rowsABatch)
    const last = batch.uploads.at(-1)
    if (last === undefined) break
    await copyBatch(db, batch)
    after = last.id
    rows += batch.uploads.length
    onProgress(rows, size)
  }
  await copyNotices(db, source, own === 0)
  await settle(db)

  const census = source.census()
  const differences = differencesOf(census, await countTarget(db))
  return differences.length === 0
    ? { kind: 'moved', census }
    : { kind: 'different', differences, own }
}

/** False where another has it. */
async function lockFor(db: NodePgDatabase): Promise<boolean> {
  const { rows } = await db.execute<{ mine: boolean }>(
    sql`select pg_try_advisory_lock(${MOVE_LOCK}::bigint) as mine`,
  )
  return rows[0]?.mine === true
}

/** The first gateway finds small tables, and a server that knows what is in them. */
async function settle(db: NodePgDatabase): Promise<void> {
  await foldAll(db)
  await db.execute(
    sql`vacuum (analyze) ${uploads}, ${uploadEvents}, ${uploadTallies}, ${uploadTallyChanges}, ${keptNotices}`,
  )
}
