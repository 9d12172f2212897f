/** Copies a deployment from SQLite to PostgreSQL, and compares source and target. */
import { sql } from 'drizzle-orm'
import { type NodePgDatabase, drizzle } from 'drizzle-orm/node-postgres'
import type { Postgres } from '../../postgres/connection-pool.ts'
import { migratePostgres } from '../postgres/migrate.ts'
import { callbackDeliveries, callbackEvents } from '../postgres/callback-tables.ts'
import {
  unmatchedWebhooks,
  uploadEvents,
  uploads,
  uploadTotals,
  uploadTotalDeltas,
} from '../postgres/tables.ts'
import { foldDeltas } from '../postgres/maintenance.ts'
import { type StoreSummary, type SummaryDifference, diffSummaries } from './summary.ts'
import { copyBatch } from './copy-batch.ts'
import { copyCallbacks } from './copy-callbacks.ts'
import { copyUnmatchedWebhooks } from './copy-webhooks.ts'
import { summarizeTarget } from './target-summary.ts'
import type { UploadSource } from './sqlite-source.ts'
import { deleteStaleReservations } from './delete-stale-reservations.ts'
import { adoptDeploymentId } from './adopt-deployment-id.ts'

export type CopyOutcome =
  /** Source and target are equal. */
  | { readonly kind: 'copied'; readonly summary: StoreSummary }
  /** All rows were copied, but the totals differ: a gateway is writing to one of the stores. */
  | {
      readonly kind: 'different'
      readonly differences: readonly SummaryDifference[]
      /** Uploads that only the target has, or has in a newer version: a gateway has written to it. */
      readonly newerInTarget: number
    }
  /** The target belongs to another deployment. Nothing was copied. */
  | { readonly kind: 'other-deployment'; readonly source: string; readonly target: string }
  /** No gateway ever opened the source. Nothing was copied. */
  | { readonly kind: 'no-deployment-id' }
  /** Another copy to this target is running. Nothing was copied. */
  | { readonly kind: 'busy' }

export interface CopyOptions {
  /** Rows per transaction. */
  readonly rowsPerBatch?: number
  /** Called after each batch with the rows copied, and the row count at the start. */
  readonly onProgress?: (rows: number, size: number) => void
}

/** Id of the advisory lock of a running copy; any constant unique in this project. */
const COPY_LOCK_ID = 720_404

/**
 * Migrates the target, then copies missing and changed rows. Safe to repeat, also after an interruption.
 * Rejects with `StoreUnavailable` if the target is unavailable.
 */
export async function copyStore(
  source: UploadSource,
  postgres: Postgres,
  options: CopyOptions = {},
): Promise<CopyOutcome> {
  const { deployment } = source
  if (deployment === null) return { kind: 'no-deployment-id' }
  await migratePostgres(postgres)
  // A connection without the pool's timeouts. The server releases its lock when the connection ends, even
  // after a crash.
  const client = await postgres.connect()
  try {
    return await postgres.run(() => copyInto(source, deployment, drizzle({ client }), options))
  } finally {
    await client.end()
  }
}

async function copyInto(
  source: UploadSource,
  deployment: string,
  db: NodePgDatabase,
  { rowsPerBatch = 1000, onProgress = () => undefined }: CopyOptions,
): Promise<CopyOutcome> {
  if (!(await lockFor(db))) return { kind: 'busy' }
  const targetId = await adoptDeploymentId(db, { name: deployment, account: source.account })
  if (targetId !== deployment)
    return { kind: 'other-deployment', source: deployment, target: targetId }

  // Runs first: the key of a deleted reservation may belong to another row now.
  const newerInTarget = await deleteStaleReservations(db, source)
  const size = source.size()
  let after = ''
  let rows = 0
  for (;;) {
    const batch = source.batchAfter(after, rowsPerBatch)
    const last = batch.uploads.at(-1)
    if (last === undefined) break
    await copyBatch(db, batch)
    after = last.id
    rows += batch.uploads.length
    onProgress(rows, size)
  }
  await copyUnmatchedWebhooks(db, source, newerInTarget === 0)
  await copyCallbacks(db, source, newerInTarget === 0)
  await compact(db)

  const summary = source.summary()
  const differences = diffSummaries(summary, await summarizeTarget(db))
  return differences.length === 0
    ? { kind: 'copied', summary }
    : { kind: 'different', differences, newerInTarget }
}

/** Returns false if another copy holds the lock. */
async function lockFor(db: NodePgDatabase): Promise<boolean> {
  const { rows } = await db.execute<{ isLocked: boolean }>(
    sql`select pg_try_advisory_lock(${COPY_LOCK_ID}::bigint) as "isLocked"`,
  )
  return rows[0]?.isLocked === true
}

/** Leaves compact tables and current planner statistics to the first gateway. */
async function compact(db: NodePgDatabase): Promise<void> {
  await foldDeltas(db)
  await db.execute(
    sql`vacuum (analyze) ${uploads}, ${uploadEvents}, ${uploadTotals}, ${uploadTotalDeltas}, ${unmatchedWebhooks},
      ${callbackEvents}, ${callbackDeliveries}`,
  )
}
