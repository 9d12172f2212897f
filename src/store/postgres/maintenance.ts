/** What keeps the tables small: changes of tallies are folded, and what is over is forgotten. */
import { sql } from 'drizzle-orm'
import type { NodePgDatabase } from 'drizzle-orm/node-postgres'
import type { Statements } from './statements.ts'
import { EVERYBODY, uploadTallies, uploadTallyChanges } from './tables.ts'

/** Names the lock of whoever folds; a number of our own. */
const FOLD_LOCK = 720_403
/** Changes that are folded at a time; more wait for the next round. */
const FOLDED_A_ROUND = 20_000
/** What is over is forgotten this often, in milliseconds, and once it has been over for as long. */
const FORGET_EVERY_MS = 600_000

export function createTidy(
  db: NodePgDatabase,
  statements: Statements,
): (now: Date) => Promise<void> {
  const fold = db.execute.bind(db, foldStatement())
  let forgotAt: number | null = null

  return async (now) => {
    await fold()
    const at = now.getTime()
    // Also where the clock was set back.
    if (forgotAt !== null && at >= forgotAt && at - forgotAt < FORGET_EVERY_MS) return
    forgotAt = at
    const before = at - FORGET_EVERY_MS
    await statements.pullForward.execute({ now })
    await statements.dropClaims.execute({ before: new Date(before) })
    await statements.dropAllowances.execute({ before })
  }
}

/** Folds all that there is, round by round, unless another gateway is at it. */
export async function foldAll(db: NodePgDatabase): Promise<void> {
  let left = await db.$count(uploadTallyChanges)
  while (left > 0) {
    await db.execute(foldStatement())
    const remaining = await db.$count(uploadTallyChanges)
    if (remaining >= left) return
    left = remaining
  }
}

/**
 * Moves changes into the tallies, which are the same in sum before and after. Whoever comes while
 * another gateway folds has nothing to do.
 */
function foldStatement() {
  const sums = sql`sum(uploads) as uploads, sum(reserved_seconds) as reserved_seconds, sum(stored_seconds) as stored_seconds`
  return sql`
    with mine as materialized (select pg_try_advisory_xact_lock(${FOLD_LOCK}) as is_mine),
    folded as (
      delete from ${uploadTallyChanges} where id in (
        select id from ${uploadTallyChanges} where (select is_mine from mine)
        order by id limit ${FOLDED_A_ROUND}
      ) returning *
    ),
    summed as (
      select creator, status, protocol, ${sums} from folded group by creator, status, protocol
      union all
      select ${EVERYBODY}, status, protocol, ${sums} from folded group by status, protocol
    )
    insert into ${uploadTallies} (creator, status, protocol, uploads, reserved_seconds, stored_seconds)
    select * from summed
    on conflict (creator, status, protocol) do update set
      uploads = upload_tallies.uploads + excluded.uploads,
      reserved_seconds = upload_tallies.reserved_seconds + excluded.reserved_seconds,
      stored_seconds = upload_tallies.stored_seconds + excluded.stored_seconds`
}
