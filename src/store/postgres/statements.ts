/** Statements of the PostgreSQL adapter with constant SQL text, prepared once per connection. */
import { type SQL, and, asc, eq, gt, isNotNull, lt, lte, ne, sql } from 'drizzle-orm'
import type { NodePgDatabase } from 'drizzle-orm/node-postgres'
import type { PgColumn } from 'drizzle-orm/pg-core'
import { allColumns, eventColumns, uploadColumns } from './columns.ts'
import { given, textArrayParam, isAnyOf } from './parameters.ts'
import { LONGEST_POLL_PAUSE_MS, OPEN_UPLOADS_SINCE_MS } from '../../uploads/ports/upload-store.ts'
import { saveVersionStatement, claimStatement, mintStatement } from './version-statements.ts'
import {
  POLL_LEADER,
  rateLimitHits,
  deployments,
  unmatchedWebhooks,
  sweepLease,
  currentUploadTotals,
  uploadEvents,
  uploads,
  watchLeases,
} from './tables.ts'

export type Statements = ReturnType<typeof prepareStatements>

/** @param db a pool or, for transactions, one of its connections */
export function prepareStatements(db: NodePgDatabase) {
  // Without a given time, the server's clock decides, because gateway clocks differ.
  const now = sql`coalesce(${given('now', watchLeases.until)}, clock_timestamp())`
  const until = sql`(${now} + ${sql.placeholder('forMs')}::float8 * interval '1 millisecond')`
  const isReserved = eq(uploads.status, sql`'RESERVED'`)
  const isRetired = eq(uploads.status, sql`'RETIRED'`)
  const hasKey = and(
    eq(uploads.requestedBy, given('requestedBy', uploads.requestedBy)),
    eq(uploads.idempotencyKey, given('idempotencyKey', uploads.idempotencyKey)),
  )

  return {
    // Omitted columns are null until Stream responds. Returns no row if the key is in use.
    reserve: db
      .insert(uploads)
      .values({
        id: given('id', uploads.id),
        protocol: given('protocol', uploads.protocol),
        creator: given('creator', uploads.creator),
        name: given('name', uploads.name),
        meta: given('meta', uploads.meta),
        maxDurationSeconds: given('maxDurationSeconds', uploads.maxDurationSeconds),
        maxSizeBytes: given('maxSizeBytes', uploads.maxSizeBytes),
        allowedOrigins: given('allowedOrigins', uploads.allowedOrigins),
        requireSignedURLs: given('requireSignedURLs', uploads.requireSignedURLs),
        scheduledDeletion: given('scheduledDeletion', uploads.scheduledDeletion),
        expiresAt: given('expiresAt', uploads.expiresAt),
        createdAt: given('createdAt', uploads.createdAt),
        requestedBy: given('requestedBy', uploads.requestedBy),
        idempotencyKey: given('idempotencyKey', uploads.idempotencyKey),
        fingerprint: given('fingerprint', uploads.fingerprint),
        status: 'RESERVED',
        version: 0,
        updatedAt: given('createdAt', uploads.updatedAt),
        totalBytes: given('totalBytes', uploads.totalBytes),
        received: false,
        reservedSeconds: given('maxDurationSeconds', uploads.reservedSeconds),
        storedSeconds: 0,
        idleChecks: 0,
        missingChecks: 0,
      })
      .onConflictDoNothing({
        target: [uploads.requestedBy, uploads.idempotencyKey],
        where: isNotNull(uploads.idempotencyKey),
      })
      .returning({ id: uploads.id })
      .prepare('headgate_reserve'),
    findByUid: db
      .select(uploadColumns)
      .from(uploads)
      .where(eq(uploads.uid, given('uid', uploads.uid)))
      .prepare('headgate_find_by_uid'),
    findByUids: db
      .select(uploadColumns)
      .from(uploads)
      .where(isAnyOf(uploads.uid, 'uids'))
      .prepare('headgate_find_by_uids'),
    findByKey: db.select(allColumns).from(uploads).where(hasKey).prepare('headgate_find_by_key'),
    clearKey: db
      .update(uploads)
      .set({ idempotencyKey: null })
      .where(
        and(
          hasKey,
          isNotNull(uploads.uid),
          lt(uploads.createdAt, given('before', uploads.createdAt)),
        ),
      )
      .prepare('headgate_clear_key'),
    mint: mintStatement(db),
    release: db
      .delete(uploads)
      .where(and(eq(uploads.id, given('id', uploads.id)), isReserved))
      .prepare('headgate_release'),
    retire: db
      .update(uploads)
      .set({ status: 'RETIRED', idempotencyKey: null, reservedSeconds: 0 })
      .where(and(eq(uploads.id, given('id', uploads.id)), isReserved))
      .prepare('headgate_retire'),
    dropRetired: db
      .delete(uploads)
      .where(and(isRetired, lt(uploads.createdAt, given('before', uploads.createdAt))))
      .prepare('headgate_delete_retired'),
    pendingReservations: db
      .select(allColumns)
      .from(uploads)
      .where(and(isReserved, lt(uploads.createdAt, given('before', uploads.createdAt))))
      .orderBy(asc(uploads.createdAt))
      .limit(sql.placeholder('limit'))
      .prepare('headgate_pending_reservations'),
    references: db
      .select({ id: uploads.id, uid: uploads.uid, status: uploads.status })
      .from(uploads)
      .where(isAnyOf(uploads.id, 'ids'))
      .prepare('headgate_find_references'),
    history: db
      .select(eventColumns)
      .from(uploadEvents)
      .where(isAnyOf(uploadEvents.uploadId, 'ids'))
      .orderBy(asc(uploadEvents.uploadId), asc(uploadEvents.version))
      .prepare('headgate_history'),
    advance: saveVersionStatement(db),
    claimDue: claimStatement(db),
    // Ordered by uid to prevent deadlocks. One gateway at a time holds the poll lease. Recently renewed watch
    // leases are not written again.
    renewWatchLeases: db
      .insert(watchLeases)
      .select(
        sql`select uid, ${given('gateway', watchLeases.gateway)}, ${until}
          from unnest(${textArrayParam('uids')}) as wanted (uid) order by uid`,
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
    pullForward: db
      .update(uploads)
      .set({ checkAt: now })
      .where(
        sql`${uploads.id} in (
          select id from ${uploads} where created_at > ${now} - ${milliseconds(OPEN_UPLOADS_SINCE_MS)}
            and check_at > ${now} + ${milliseconds(LONGEST_POLL_PAUSE_MS.open)}
            and status in ('PENDING_UPLOAD', 'UPLOADING', 'QUEUED', 'IN_PROGRESS')
          union all
          select id from ${uploads} where check_at > ${now} + ${milliseconds(LONGEST_POLL_PAUSE_MS.any)})`,
      )
      .prepare('headgate_limit_polls_ahead'),
    oldestDue: db
      .select({ checkAt: uploads.checkAt })
      .from(uploads)
      .where(isNotNull(uploads.checkAt))
      .orderBy(asc(uploads.checkAt))
      .limit(1)
      .prepare('headgate_oldest_due_poll'),
    reschedule: db
      .update(uploads)
      .set({
        checkAt: given('pollAt', uploads.checkAt),
        idleChecks: given('idlePolls', uploads.idleChecks),
        missingChecks: given('missingChecks', uploads.missingChecks),
      })
      .where(
        and(
          eq(uploads.uid, given('uid', uploads.uid)),
          eq(uploads.version, given('version', uploads.version)),
        ),
      )
      .prepare('headgate_reschedule_polls'),
    holdings: db
      .select({
        reservedSeconds: total(currentUploadTotals.reservedSeconds),
        storedSeconds: total(currentUploadTotals.storedSeconds),
      })
      .from(currentUploadTotals)
      .where(eq(currentUploadTotals.creator, given('creator', currentUploadTotals.creator)))
      .prepare('headgate_quota_usage'),
    count: db
      .select({ count: total(currentUploadTotals.uploads) })
      .from(currentUploadTotals)
      .where(
        and(
          eq(currentUploadTotals.creator, given('creator', currentUploadTotals.creator)),
          isAnyOf(currentUploadTotals.status, 'statuses'),
          isAnyOf(currentUploadTotals.protocol, 'protocols'),
        ),
      )
      .prepare('headgate_count'),
    countByStatus: db
      .select({ status: currentUploadTotals.status, count: total(currentUploadTotals.uploads) })
      .from(currentUploadTotals)
      .where(eq(currentUploadTotals.creator, given('creator', currentUploadTotals.creator)))
      .groupBy(currentUploadTotals.status)
      .prepare('headgate_count_by_status'),
    noteAccount: db
      .update(deployments)
      .set({ account: given('account', deployments.account) })
      .where(
        sql`${deployments.account} is null or ${sql.placeholder('replace')}::boolean
          or not exists (select 1 from ${uploads} where ${uploads.uid} > '')`,
      )
      .prepare('headgate_note_account'),
    account: db
      .select({ account: deployments.account })
      .from(deployments)
      .prepare('headgate_account'),
    saveUnmatchedWebhook: db
      .insert(unmatchedWebhooks)
      .values({
        uid: given('uid', unmatchedWebhooks.uid),
        digest: given('digest', unmatchedWebhooks.digest),
        body: given('body', unmatchedWebhooks.body),
        receivedAt: given('receivedAt', unmatchedWebhooks.receivedAt),
      })
      .onConflictDoNothing()
      .prepare('headgate_save_unmatched_webhook'),
    keptNotices: db
      .select({ body: unmatchedWebhooks.body })
      .from(unmatchedWebhooks)
      .where(eq(unmatchedWebhooks.uid, given('uid', unmatchedWebhooks.uid)))
      .orderBy(asc(unmatchedWebhooks.receivedAt))
      .prepare('headgate_unmatched_webhooks'),
    deleteUnmatchedWebhooks: db
      .delete(unmatchedWebhooks)
      .where(eq(unmatchedWebhooks.uid, given('uid', unmatchedWebhooks.uid)))
      .prepare('headgate_delete_unmatched_webhooks'),
    dropNoticesBefore: db
      .delete(unmatchedWebhooks)
      .where(lt(unmatchedWebhooks.receivedAt, given('before', unmatchedWebhooks.receivedAt)))
      .prepare('headgate_delete_unmatched_webhooks_before'),
    beginSweep: db
      .insert(sweepLease)
      .values({ gateway: given('gateway', sweepLease.gateway), until })
      .onConflictDoUpdate({
        target: sweepLease.one,
        set: { gateway: sql`excluded.gateway`, until: sql`excluded.until` },
        setWhere: sql`${sweepLease.until} is null or ${sweepLease.until} <= ${now} or ${isAhead(sweepLease.until)}`,
      })
      .returning({ sweptUntil: sweepLease.sweptUntil })
      .prepare('headgate_acquire_sweep_lease'),
    endSweep: db
      .update(sweepLease)
      .set({
        until: null,
        sweptUntil: sql`coalesce(${given('sweptUntil', sweepLease.sweptUntil)}, ${sweepLease.sweptUntil})`,
      })
      .where(eq(sweepLease.gateway, given('gateway', sweepLease.gateway)))
      .prepare('headgate_release_sweep_lease'),
    dropClaims: db
      .delete(watchLeases)
      .where(lte(watchLeases.until, given('before', watchLeases.until)))
      .prepare('headgate_delete_watch_leases'),
    dropAllowances: db
      .delete(rateLimitHits)
      .where(lt(rateLimitHits.at, given('before', rateLimitHits.at)))
      .prepare('headgate_delete_rate_limit_uses'),
  }
}

/** No lease lasts this long: a later end was written by a wrong clock, and counts as expired. */
const AHEAD = sql`interval '2 minutes'`

function isAhead(column: PgColumn): SQL {
  return sql`${column} > excluded.until + ${AHEAD}`
}

function milliseconds(count: number): SQL {
  return sql.raw(`interval '${count} milliseconds'`)
}

/** Sum over the selected rows; 0 without rows. */
function total(column: PgColumn): SQL<number> {
  return sql`coalesce(sum(${column}), 0)`.mapWith(Number)
}
