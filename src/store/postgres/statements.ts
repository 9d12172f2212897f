/** Every statement of the PostgreSQL keeper whose words are always the same, prepared once a connection. */
import { type SQL, and, asc, eq, gt, isNotNull, lt, lte, ne, sql } from 'drizzle-orm'
import type { NodePgDatabase } from 'drizzle-orm/node-postgres'
import type { PgColumn } from 'drizzle-orm/pg-core'
import { allColumns, eventColumns, uploadColumns } from './columns.ts'
import { given, givenTexts, listed } from './parameters.ts'
import { LONGEST_POLL_PAUSE_MS, OPEN_UPLOADS_SINCE_MS } from '../../uploads/ports/upload-store.ts'
import { advanceStatement, claimStatement, mintStatement } from './version-statements.ts'
import {
  TURN_TO_ASK,
  allowances,
  deployments,
  keptNotices,
  sweeps,
  uploadCounts,
  uploadEvents,
  uploads,
  watchClaims,
} from './tables.ts'

export type Statements = ReturnType<typeof prepareStatements>

/** On a pool, or on one connection of it, for transactions. */
export function prepareStatements(db: NodePgDatabase) {
  // The server's clock decides, where none is given: gateways differ in theirs.
  const now = sql`coalesce(${given('now', watchClaims.until)}, clock_timestamp())`
  const until = sql`(${now} + ${sql.placeholder('forMs')}::float8 * interval '1 millisecond')`
  const isReserved = eq(uploads.status, sql`'RESERVED'`)
  const isRetired = eq(uploads.status, sql`'RETIRED'`)
  const hasKey = and(
    eq(uploads.requestedBy, given('requestedBy', uploads.requestedBy)),
    eq(uploads.idempotencyKey, given('idempotencyKey', uploads.idempotencyKey)),
  )

  return {
    // What is left out is null, and stays so until Stream has answered. Nothing where the key is taken.
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
      .where(listed(uploads.uid, 'uids'))
      .prepare('headgate_find_by_uids'),
    findByKey: db.select(allColumns).from(uploads).where(hasKey).prepare('headgate_find_by_key'),
    forgetKey: db
      .update(uploads)
      .set({ idempotencyKey: null })
      .where(
        and(
          hasKey,
          isNotNull(uploads.uid),
          lt(uploads.createdAt, given('before', uploads.createdAt)),
        ),
      )
      .prepare('headgate_forget_key'),
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
      .prepare('headgate_drop_retired'),
    unsettled: db
      .select(allColumns)
      .from(uploads)
      .where(and(isReserved, lt(uploads.createdAt, given('before', uploads.createdAt))))
      .orderBy(asc(uploads.createdAt))
      .limit(sql.placeholder('limit'))
      .prepare('headgate_unsettled'),
    references: db
      .select({ id: uploads.id, uid: uploads.uid, status: uploads.status })
      .from(uploads)
      .where(listed(uploads.id, 'ids'))
      .prepare('headgate_references'),
    history: db
      .select(eventColumns)
      .from(uploadEvents)
      .where(listed(uploadEvents.uploadId, 'ids'))
      .orderBy(asc(uploadEvents.uploadId), asc(uploadEvents.version))
      .prepare('headgate_history'),
    advance: advanceStatement(db),
    claimDue: claimStatement(db),
    // In one order, so that nobody waits for who waits for it. The turn is had by one at a time; what was
    // noted lately is not written again.
    noteWatched: db
      .insert(watchClaims)
      .select(
        sql`select uid, ${given('gateway', watchClaims.gateway)}, ${until}
          from unnest(${givenTexts('uids')}) as wanted (uid) order by uid`,
      )
      .onConflictDoUpdate({
        target: watchClaims.uid,
        set: {
          gateway: sql`excluded.gateway`,
          until: sql`excluded.until`,
        },
        setWhere: sql`case when ${watchClaims.uid} = ${TURN_TO_ASK}
          then ${watchClaims.gateway} = excluded.gateway or ${watchClaims.until} <= ${now} or ${isAhead(watchClaims.until)}
          else ${watchClaims.until} < ${now} + (excluded.until - ${now}) / 2 or ${isAhead(watchClaims.until)} end`,
      })
      .returning({ uid: watchClaims.uid })
      .prepare('headgate_note_watched'),
    watched: db
      .select({ uid: watchClaims.uid })
      .from(watchClaims)
      .where(
        and(
          ne(watchClaims.uid, TURN_TO_ASK),
          gt(watchClaims.until, now),
          sql`${watchClaims.until} <= ${now} + ${AHEAD}`,
        ),
      )
      .orderBy(asc(watchClaims.uid))
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
      .prepare('headgate_pull_forward'),
    oldestDue: db
      .select({ checkAt: uploads.checkAt })
      .from(uploads)
      .where(isNotNull(uploads.checkAt))
      .orderBy(asc(uploads.checkAt))
      .limit(1)
      .prepare('headgate_oldest_due'),
    reschedule: db
      .update(uploads)
      .set({
        checkAt: given('checkAt', uploads.checkAt),
        idleChecks: given('idleChecks', uploads.idleChecks),
        missingChecks: given('missingChecks', uploads.missingChecks),
      })
      .where(
        and(
          eq(uploads.uid, given('uid', uploads.uid)),
          eq(uploads.version, given('version', uploads.version)),
        ),
      )
      .prepare('headgate_reschedule'),
    holdings: db
      .select({
        reservedSeconds: total(uploadCounts.reservedSeconds),
        storedSeconds: total(uploadCounts.storedSeconds),
      })
      .from(uploadCounts)
      .where(eq(uploadCounts.creator, given('creator', uploadCounts.creator)))
      .prepare('headgate_holdings'),
    count: db
      .select({ count: total(uploadCounts.uploads) })
      .from(uploadCounts)
      .where(
        and(
          eq(uploadCounts.creator, given('creator', uploadCounts.creator)),
          listed(uploadCounts.status, 'statuses'),
          listed(uploadCounts.protocol, 'protocols'),
        ),
      )
      .prepare('headgate_count'),
    countByStatus: db
      .select({ status: uploadCounts.status, count: total(uploadCounts.uploads) })
      .from(uploadCounts)
      .where(eq(uploadCounts.creator, given('creator', uploadCounts.creator)))
      .groupBy(uploadCounts.status)
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
    keepNotice: db
      .insert(keptNotices)
      .values({
        uid: given('uid', keptNotices.uid),
        digest: given('digest', keptNotices.digest),
        body: given('body', keptNotices.body),
        receivedAt: given('receivedAt', keptNotices.receivedAt),
      })
      .onConflictDoNothing()
      .prepare('headgate_keep_notice'),
    keptNotices: db
      .select({ body: keptNotices.body })
      .from(keptNotices)
      .where(eq(keptNotices.uid, given('uid', keptNotices.uid)))
      .orderBy(asc(keptNotices.receivedAt))
      .prepare('headgate_kept_notices'),
    dropNotices: db
      .delete(keptNotices)
      .where(eq(keptNotices.uid, given('uid', keptNotices.uid)))
      .prepare('headgate_drop_notices'),
    dropNoticesBefore: db
      .delete(keptNotices)
      .where(lt(keptNotices.receivedAt, given('before', keptNotices.receivedAt)))
      .prepare('headgate_drop_notices_before'),
    beginSweep: db
      .insert(sweeps)
      .values({ gateway: given('gateway', sweeps.gateway), until })
      .onConflictDoUpdate({
        target: sweeps.one,
        set: { gateway: sql`excluded.gateway`, until: sql`excluded.until` },
        setWhere: sql`${sweeps.until} is null or ${sweeps.until} <= ${now} or ${isAhead(sweeps.until)}`,
      })
      .returning({ sweptUntil: sweeps.sweptUntil })
      .prepare('headgate_begin_sweep'),
    endSweep: db
      .update(sweeps)
      .set({
        until: null,
        sweptUntil: sql`coalesce(${given('sweptUntil', sweeps.sweptUntil)}, ${sweeps.sweptUntil})`,
      })
      .where(eq(sweeps.gateway, given('gateway', sweeps.gateway)))
      .prepare('headgate_end_sweep'),
    dropClaims: db
      .delete(watchClaims)
      .where(lte(watchClaims.until, given('before', watchClaims.until)))
      .prepare('headgate_drop_claims'),
    dropAllowances: db
      .delete(allowances)
      .where(lt(allowances.at, given('before', allowances.at)))
      .prepare('headgate_drop_allowances'),
  }
}

/** Nobody claims for so long: whoever did had a clock that was ahead, and is not waited for. */
const AHEAD = sql`interval '2 minutes'`

function isAhead(column: PgColumn): SQL {
  return sql`${column} > excluded.until + ${AHEAD}`
}

function milliseconds(count: number): SQL {
  return sql.raw(`interval '${count} milliseconds'`)
}

/** The sum over the rows chosen, which may be none. */
function total(column: PgColumn): SQL<number> {
  return sql`coalesce(sum(${column}), 0)`.mapWith(Number)
}
