/** Statements of the PostgreSQL adapter with constant SQL text, prepared once per connection. */
import { type SQL, and, asc, eq, isNotNull, lt, lte, sql } from 'drizzle-orm'
import type { NodePgDatabase } from 'drizzle-orm/node-postgres'
import type { PgColumn } from 'drizzle-orm/pg-core'
import { allColumns, eventColumns, uploadColumns } from './columns.ts'
import { entryValue, rowsOf } from './json-rows.ts'
import { param, isAnyOf, textArrayParam } from './parameters.ts'
import { MAX_POLL_DELAY_MS, MAX_OPEN_UPLOAD_AGE_MS } from '../../uploads/ports/upload-store.ts'
import { prepareLeaseStatements, serverOrCallerTime } from './lease-statements.ts'
import { reserveStatement } from './reserve-statement.ts'
import {
  mintStatement,
  mintWithCallbacksStatement,
  saveVersionStatement,
  saveVersionWithCallbackStatement,
} from './version-statements.ts'
import {
  rateLimits,
  deployments,
  unmatchedWebhooks,
  currentUploadTotals,
  uploadEvents,
  uploads,
} from './tables.ts'

/** Columns of a scheduled poll: the upload that it is for, and those that it changes. */
export const scheduleColumns = {
  uid: uploads.uid,
  version: uploads.version,
  checkAt: uploads.checkAt,
  idleChecks: uploads.idleChecks,
  missingChecks: uploads.missingChecks,
}

export type Statements = ReturnType<typeof prepareStatements>

export function prepareStatements(db: NodePgDatabase) {
  const now = serverOrCallerTime()
  const isReserved = eq(uploads.status, sql`'RESERVED'`)
  // An expression, which no index contains: the index of reservations is small to the planner, which would read all
  // of them to find one.
  const isStillReserved = sql`${uploads.status} || '' = 'RESERVED'`
  const isRetired = eq(uploads.status, sql`'RETIRED'`)
  const hasKey = and(
    eq(uploads.requestedBy, param('requestedBy', uploads.requestedBy)),
    eq(uploads.idempotencyKey, param('idempotencyKey', uploads.idempotencyKey)),
  )

  // Has the name of the table, so that its columns can be selected.
  const found = db.$with('uploads', {}).as(
    sql`select found.* from unnest(${textArrayParam('uids')}) as asked (uid)
      cross join lateral (select * from ${uploads} where uid = asked.uid limit 1) as found`,
  )

  return {
    ...prepareLeaseStatements(db),
    reserve: reserveStatement(db),
    // The limit makes the planner look up each uid, whatever it believes about the size of the table.
    findByUids: db.with(found).select(uploadColumns).from(uploads).prepare('headgate_find_by_uids'),
    findByKey: db.select(allColumns).from(uploads).where(hasKey).prepare('headgate_find_by_key'),
    mint: mintStatement(db),
    mintWithCallbacks: mintWithCallbacksStatement(db),
    release: db
      .delete(uploads)
      .where(and(eq(uploads.id, param('id', uploads.id)), isStillReserved))
      .prepare('headgate_release'),
    retire: db
      .update(uploads)
      .set({ status: 'RETIRED', idempotencyKey: null, reservedSeconds: 0 })
      .where(and(eq(uploads.id, param('id', uploads.id)), isStillReserved))
      .prepare('headgate_retire'),
    deleteRetired: db
      .delete(uploads)
      .where(and(isRetired, lt(uploads.createdAt, param('before', uploads.createdAt))))
      .prepare('headgate_delete_retired'),
    pendingReservations: db
      .select(allColumns)
      .from(uploads)
      .where(and(isReserved, lt(uploads.createdAt, param('before', uploads.createdAt))))
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
    advanceWithCallback: saveVersionWithCallbackStatement(db),
    due: db
      .select({
        ...uploadColumns,
        idleChecks: uploads.idleChecks,
        missingChecks: uploads.missingChecks,
      })
      .from(uploads)
      .where(lte(uploads.checkAt, param('now', uploads.checkAt)))
      .orderBy(asc(uploads.checkAt))
      .limit(sql.placeholder('limit'))
      .prepare('headgate_due'),
    pullForward: db
      .update(uploads)
      .set({ checkAt: now })
      .where(
        sql`${uploads.id} in (
          select id from ${uploads} where created_at > ${now} - ${milliseconds(MAX_OPEN_UPLOAD_AGE_MS)}
            and check_at > ${now} + ${milliseconds(MAX_POLL_DELAY_MS.open)}
            and status in ('PENDING_UPLOAD', 'UPLOADING', 'QUEUED', 'IN_PROGRESS')
          union all
          select id from ${uploads} where check_at > ${now} + ${milliseconds(MAX_POLL_DELAY_MS.any)})`,
      )
      .prepare('headgate_limit_polls_ahead'),
    oldestDuePoll: db
      .select({ checkAt: uploads.checkAt })
      .from(uploads)
      .where(isNotNull(uploads.checkAt))
      .orderBy(asc(uploads.checkAt))
      .limit(1)
      .prepare('headgate_oldest_due_poll'),
    reschedule: db
      .update(uploads)
      .set({
        checkAt: entryValue(uploads.checkAt),
        idleChecks: entryValue(uploads.idleChecks),
        missingChecks: entryValue(uploads.missingChecks),
      })
      .from(rowsOf(scheduleColumns))
      .where(
        and(
          eq(uploads.uid, entryValue(uploads.uid)),
          eq(uploads.version, entryValue(uploads.version)),
        ),
      )
      .prepare('headgate_reschedule_polls'),
    countByToken: db
      .select({ count: sql`count(*)`.mapWith(Number) })
      .from(uploads)
      .where(
        and(
          eq(uploads.tokenId, param('tokenId', uploads.tokenId)),
          sql`${uploads.status} <> 'RETIRED'`,
        ),
      )
      .prepare('headgate_count_by_token'),
    quotaUsage: db
      .select({
        reservedSeconds: total(currentUploadTotals.reservedSeconds),
        storedSeconds: total(currentUploadTotals.storedSeconds),
      })
      .from(currentUploadTotals)
      .where(eq(currentUploadTotals.creator, param('creator', currentUploadTotals.creator)))
      .prepare('headgate_quota_usage'),
    count: db
      .select({ count: total(currentUploadTotals.uploads) })
      .from(currentUploadTotals)
      .where(
        and(
          eq(currentUploadTotals.creator, param('creator', currentUploadTotals.creator)),
          isAnyOf(currentUploadTotals.status, 'statuses'),
          isAnyOf(currentUploadTotals.protocol, 'protocols'),
        ),
      )
      .prepare('headgate_count'),
    countByStatus: db
      .select({ status: currentUploadTotals.status, count: total(currentUploadTotals.uploads) })
      .from(currentUploadTotals)
      .where(eq(currentUploadTotals.creator, param('creator', currentUploadTotals.creator)))
      .groupBy(currentUploadTotals.status)
      .prepare('headgate_count_by_status'),
    recordAccount: db
      .update(deployments)
      .set({ account: param('account', deployments.account) })
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
      // Waits for a mint that has read the webhooks of this uid, until its upload can be found.
      .select(
        sql`select ${param('uid', unmatchedWebhooks.uid)}, ${param('digest', unmatchedWebhooks.digest)},
          ${param('body', unmatchedWebhooks.body)}, ${param('receivedAt', unmatchedWebhooks.receivedAt)}
          from pg_advisory_xact_lock(720405, hashtext(${param('uid', unmatchedWebhooks.uid)}))`,
      )
      .onConflictDoNothing()
      .prepare('headgate_save_unmatched_webhook'),
    unmatchedWebhooks: db
      .select({ body: unmatchedWebhooks.body })
      .from(unmatchedWebhooks)
      .where(eq(unmatchedWebhooks.uid, param('uid', unmatchedWebhooks.uid)))
      .orderBy(asc(unmatchedWebhooks.receivedAt))
      .prepare('headgate_unmatched_webhooks'),
    deleteUnmatchedWebhooks: db
      .delete(unmatchedWebhooks)
      .where(eq(unmatchedWebhooks.uid, param('uid', unmatchedWebhooks.uid)))
      .prepare('headgate_delete_unmatched_webhooks'),
    deleteUnmatchedWebhooksBefore: db
      .delete(unmatchedWebhooks)
      .where(lt(unmatchedWebhooks.receivedAt, param('before', unmatchedWebhooks.receivedAt)))
      .prepare('headgate_delete_unmatched_webhooks_before'),
    deleteIdleKeys: db
      .delete(rateLimits)
      .where(
        sql`coalesce(${rateLimits.times}[cardinality(${rateLimits.times})], 0) < ${sql.placeholder('before')}::bigint`,
      )
      .prepare('headgate_delete_idle_rate_limits'),
  }
}

function milliseconds(count: number): SQL {
  return sql.raw(`interval '${count} milliseconds'`)
}

/** Sum over the selected rows; 0 without rows. */
function total(column: PgColumn): SQL<number> {
  return sql`coalesce(sum(${column}), 0)`.mapWith(Number)
}
