/** Keeps the tables small: folds deltas into totals, and deletes expired watch leases and rate limit hits. */
import { sql } from 'drizzle-orm'
import type { NodePgDatabase } from 'drizzle-orm/node-postgres'
import type { PostgresCallbackStore } from './callback-store.ts'
import type { Statements } from './statements.ts'
import { ALL_CREATORS, uploadTotals, uploadTotalDeltas } from './tables.ts'

/** Id of the advisory lock held while folding; any constant unique in this project. */
const FOLD_LOCK = 720_403
/** Deltas folded per statement, which thus ends long before its timeout. */
const FOLDED_PER_STATEMENT = 20_000
/** Cleanup interval in milliseconds. Rows are deleted once they have been expired for as long. */
const CLEANUP_INTERVAL_MS = 600_000

export function createMaintenance(
  db: NodePgDatabase,
  statements: Statements,
  callbacks: Pick<PostgresCallbackStore, 'pullForward'>,
): (now: Date) => Promise<void> {
  let cleanedAt: number | null = null

  return async (now) => {
    await foldDeltas(db)
    const at = now.getTime()
    // Also runs after the clock was set back.
    if (cleanedAt !== null && at >= cleanedAt && at - cleanedAt < CLEANUP_INTERVAL_MS) return
    cleanedAt = at
    const before = at - CLEANUP_INTERVAL_MS
    await statements.pullForward.execute({ now })
    await callbacks.pullForward(now)
    await statements.deleteExpiredViews.execute({ before: new Date(before) })
    await statements.deleteIdleKeys.execute({ before })
  }
}

/**
 * Folds all deltas: each creation reads those of its creator that are left. Stops early while another gateway
 * folds.
 */
export async function foldDeltas(db: NodePgDatabase): Promise<void> {
  const statement = foldStatement()
  let folded: number
  do {
    const { rows } = await db.execute<{ folded: number }>(statement)
    folded = rows[0]?.folded ?? 0
  } while (folded === FOLDED_PER_STATEMENT)
}

/**
 * Moves deltas into the totals without changing their sum, and returns how many. Does nothing while another gateway
 * folds.
 */
function foldStatement() {
  const sums = sql`sum(uploads) as uploads, sum(reserved_seconds) as reserved_seconds, sum(stored_seconds) as stored_seconds`
  return sql`
    with fold_lock as materialized (select pg_try_advisory_xact_lock(${FOLD_LOCK}) as is_held),
    folded as (
      delete from ${uploadTotalDeltas} where id in (
        select id from ${uploadTotalDeltas} where (select is_held from fold_lock)
        order by id limit ${FOLDED_PER_STATEMENT}
      ) returning *
    ),
    summed as (
      select creator, status, protocol, ${sums} from folded group by creator, status, protocol
      union all
      select ${ALL_CREATORS}, status, protocol, ${sums} from folded group by status, protocol
    ),
    stored as (
      insert into ${uploadTotals} (creator, status, protocol, uploads, reserved_seconds, stored_seconds)
      select * from summed
      on conflict (creator, status, protocol) do update set
        uploads = upload_tallies.uploads + excluded.uploads,
        reserved_seconds = upload_tallies.reserved_seconds + excluded.reserved_seconds,
        stored_seconds = upload_tallies.stored_seconds + excluded.stored_seconds
    )
    select count(*)::int as folded from folded`
}
