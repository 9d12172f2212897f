/** Statements of the leases: watched uploads, the poll leader, the sweep, and changes of an upload at Stream. */
import { type SQL, and, asc, eq, gt, lte, ne, sql } from 'drizzle-orm'
import type { NodePgDatabase } from 'drizzle-orm/node-postgres'
import type { PgColumn } from 'drizzle-orm/pg-core'
import { param, textArrayParam } from './parameters.ts'
import { POLL_LEADER, sweepLease, uploads, watchLeases } from './tables.ts'

/** No lease lasts this long: a later end was written by a wrong clock, and counts as expired. */
const AHEAD = sql`interval '2 minutes'`

function isAhead(column: PgColumn): SQL {
  return sql`${column} > excluded.until + ${AHEAD}`
}

/** The parameter `now`; if it is null, the server's clock decides, because gateway clocks differ. */
export function serverOrCallerTime(): SQL {
  return sql`coalesce(${param('now', watchLeases.until)}, clock_timestamp())`
}

export function prepareLeaseStatements(db: NodePgDatabase) {
  const now = serverOrCallerTime()
  const until = sql`(${now} + ${sql.placeholder('forMs')}::float8 * interval '1 millisecond')`
  return {
    // Ordered by uid to prevent deadlocks. One gateway at a time holds the poll lease. Recently renewed watch
    // leases are not written again.
    renewWatchLeases: db
      .insert(watchLeases)
      .select(
        sql`select uid, ${param('gateway', watchLeases.gateway)}, ${until}
          from unnest(${textArrayParam('uids')}) as watched (uid) order by uid`,
      )
      .onConflictDoUpdate({
        target: watchLeases.uid,
        set: {
          gateway: sql`excluded.gateway`,
          until: sql`excluded.until`,
        },
        setWhere: sql`case when ${watchLeases.uid} = ${POLL_LEADER}
          then ${watchLeases.gateway} = excluded.gateway or ${watchLeases.until} <= ${now} or ${isAhead(watchLeases.until)}
          else ${watchLeases.until} < ${now} + (excluded.until - ${now}) / 2 or ${isAhead(watchLeases.until)} end`,
      })
      .returning({ uid: watchLeases.uid })
      .prepare('headgate_renew_watch_leases'),
    watched: db
      .select({ uid: watchLeases.uid })
      .from(watchLeases)
      .where(
        and(
          ne(watchLeases.uid, POLL_LEADER),
          gt(watchLeases.until, now),
          sql`${watchLeases.until} <= ${now} + ${AHEAD}`,
        ),
      )
      .orderBy(asc(watchLeases.uid))
      .prepare('headgate_watched'),
    deleteExpiredViews: db
      .delete(watchLeases)
      .where(lte(watchLeases.until, param('before', watchLeases.until)))
      .prepare('headgate_delete_watch_leases'),
    acquireSweepLease: db
      .insert(sweepLease)
      .values({ gateway: param('gateway', sweepLease.gateway), until })
      .onConflictDoUpdate({
        target: sweepLease.one,
        set: { gateway: sql`excluded.gateway`, until: sql`excluded.until` },
        setWhere: sql`${sweepLease.until} is null or ${sweepLease.until} <= ${now} or ${isAhead(sweepLease.until)}`,
      })
      .returning({ sweptUntil: sweepLease.sweptUntil })
      .prepare('headgate_acquire_sweep_lease'),
    releaseSweepLease: db
      .update(sweepLease)
      .set({
        until: null,
        sweptUntil: sql`coalesce(${param('sweptUntil', sweepLease.sweptUntil)}, ${sweepLease.sweptUntil})`,
      })
      .where(eq(sweepLease.gateway, param('gateway', sweepLease.gateway)))
      .prepare('headgate_release_sweep_lease'),
    acquireChangeLease: db
      .update(uploads)
      .set({
        changeUntil: until,
        checkAt: sql`least(coalesce(${uploads.checkAt}, ${until}), ${until})`,
      })
      .where(
        and(
          eq(uploads.uid, param('uid', uploads.uid)),
          sql`(${uploads.changeUntil} is null or ${uploads.changeUntil} <= ${now} or ${uploads.changeUntil} > ${until} + ${AHEAD})`,
        ),
      )
      .returning({ until: uploads.changeUntil })
      .prepare('headgate_acquire_change_lease'),
    releaseChangeLease: db
      .update(uploads)
      .set({ changeUntil: null })
      .where(
        and(
          eq(uploads.uid, param('uid', uploads.uid)),
          eq(uploads.changeUntil, param('until', uploads.changeUntil)),
        ),
      )
      .prepare('headgate_release_change_lease'),
  }
}
