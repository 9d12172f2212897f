/** Statements with constant SQL text, shared by the SQLite and D1 adapters. */
import { and, asc, eq, isNotNull, sql } from 'drizzle-orm'
import { allColumns, eventColumns, referenceColumns, uploadColumns } from './read-rows.ts'
import { type NamedParam, type RowShape, db, defineStatement } from './define-statement.ts'
import { MAX_POLL_DELAY_MS, MAX_OPEN_UPLOAD_AGE_MS } from '../../uploads/ports/upload-store.ts'
import { deployments, unmatchedWebhooks, uploadEvents, uploads } from './tables.ts'
import { updatedColumns } from '../updated-columns.ts'
import {
  changeLeaseParams,
  changeLeaseStatement,
  releaseChangeLeaseStatement,
} from './change-lease.ts'
import { defineCountStatements, jsonList } from './count-statements.ts'
import { reservationParams } from './write-rows.ts'

/** Parameters of a new version, with the expected previous version. */
export const saveVersionParams = ['id', 'expected', ...updatedColumns] as const
type SaveVersionName = (typeof saveVersionParams)[number]

/** Sets each column from the parameter of the same name. */
function paramsFor<Name extends string>(param: NamedParam<Name>, names: readonly Name[]) {
  return Object.fromEntries(names.map((name) => [name, sql`${param(name)}`]))
}

/** The row of a reservation. Omitted columns are null until Stream responds. */
export function reservationRow<Name extends string>(
  param: NamedParam<Name | (typeof reservationParams)[number]>,
) {
  return {
    id: param('id'),
    protocol: param('protocol'),
    creator: param('creator'),
    name: param('name'),
    meta: param('meta'),
    maxDurationSeconds: param('maxDurationSeconds'),
    maxSizeBytes: param('maxSizeBytes'),
    allowedOrigins: param('allowedOrigins'),
    requireSignedURLs: param('requireSignedURLs'),
    scheduledDeletion: param('scheduledDeletion'),
    expiresAt: param('expiresAt'),
    createdAt: param('createdAt'),
    requestedBy: param('requestedBy'),
    idempotencyKey: param('idempotencyKey'),
    fingerprint: param('fingerprint'),
    tokenId: param('tokenId'),
    status: 'RESERVED' as const,
    version: 0,
    updatedAt: param('createdAt'),
    totalBytes: param('totalBytes'),
    received: false,
    reservedSeconds: param('maxDurationSeconds'),
    storedSeconds: 0,
    idleChecks: 0,
    missingChecks: 0,
  }
}

/** Writes the next version if the previous version is still current. */
export function saveVersionStatement(param: NamedParam<SaveVersionName>) {
  return db
    .update(uploads)
    .set({ ...paramsFor(param, updatedColumns), idleChecks: 0, missingChecks: 0 })
    .where(and(eq(uploads.id, param('id')), eq(uploads.version, param('expected'))))
}

/** Parameters of `mintStatement`. */
export const mintParams = ['id', 'uid', 'uploadURL', 'at', 'checkAt'] as const

/** Turns a reservation into an upload. */
export function mintStatement(param: NamedParam<(typeof mintParams)[number]>) {
  return db
    .update(uploads)
    .set({
      uid: sql`${param('uid')}`,
      uploadURL: sql`${param('uploadURL')}`,
      status: 'PENDING_UPLOAD',
      version: 1,
      updatedAt: sql`${param('at')}`,
      checkAt: sql`${param('checkAt')}`,
    })
    .where(and(eq(uploads.id, param('id')), eq(uploads.status, 'RESERVED')))
}

/** Returns the values of `pullForward`. Polls beyond these bounds were scheduled under a wrong clock. */
export function pullForwardValues(now: Date) {
  const at = now.getTime()
  return {
    now: at,
    openAhead: at + MAX_POLL_DELAY_MS.open,
    anyAhead: at + MAX_POLL_DELAY_MS.any,
    createdAfter: at - MAX_OPEN_UPLOAD_AGE_MS,
  }
}

/** Oldest due first. No other order: the index `uploads_due` has this one. */
const dueOrder = [asc(uploads.checkAt), sql`rowid`] as const

/** @param rowOf select list that the adapter reads its rows from */
export function defineStatements(rowOf: RowShape) {
  const uploadRow = rowOf(Object.values(uploadColumns))
  const fullRow = rowOf(Object.values(allColumns))
  return {
    reserve: defineStatement(reservationParams, (param) =>
      db.insert(uploads).values(reservationRow(param)),
    ),
    findByUid: defineStatement(['uid'], (param) =>
      db
        .select(uploadRow)
        .from(uploads)
        .where(eq(uploads.uid, param('uid'))),
    ),
    findByUids: defineStatement(['uids'], (param) =>
      db
        .select(uploadRow)
        .from(uploads)
        .where(sql`${uploads.uid} in ${jsonList(param, 'uids')}`),
    ),
    findByKey: defineStatement(['requestedBy', 'idempotencyKey'], (param) =>
      db
        .select(fullRow)
        .from(uploads)
        .where(
          and(
            eq(uploads.requestedBy, param('requestedBy')),
            eq(uploads.idempotencyKey, param('idempotencyKey')),
          ),
        ),
    ),
    clearKey: defineStatement(['requestedBy', 'idempotencyKey', 'before'], (param) =>
      db
        .update(uploads)
        .set({ idempotencyKey: null })
        .where(
          and(
            eq(uploads.requestedBy, param('requestedBy')),
            eq(uploads.idempotencyKey, param('idempotencyKey')),
            isNotNull(uploads.uid),
            sql`${uploads.createdAt} < ${param('before')}`,
          ),
        ),
    ),
    mint: defineStatement(mintParams, mintStatement),
    release: defineStatement(['id'], (param) =>
      db.delete(uploads).where(and(eq(uploads.id, param('id')), eq(uploads.status, 'RESERVED'))),
    ),
    retire: defineStatement(['id'], (param) =>
      db
        .update(uploads)
        .set({ status: 'RETIRED', idempotencyKey: null, reservedSeconds: 0 })
        .where(and(eq(uploads.id, param('id')), eq(uploads.status, 'RESERVED'))),
    ),
    // The status is a literal, so that SQLite can use the partial index of these rows.
    hasRetired: defineStatement(['before'], (param) =>
      db
        .select({ found: sql`1` })
        .from(uploads)
        .where(sql`${uploads.status} = 'RETIRED' and ${uploads.createdAt} < ${param('before')}`)
        .limit(1),
    ),
    deleteRetired: defineStatement(['before'], (param) =>
      db
        .delete(uploads)
        .where(sql`${uploads.status} = 'RETIRED' and ${uploads.createdAt} < ${param('before')}`),
    ),
    pendingReservations: defineStatement(['before', 'limit'], (param) =>
      db
        .select(fullRow)
        .from(uploads)
        .where(sql`${uploads.status} = 'RESERVED' and ${uploads.createdAt} < ${param('before')}`)
        .orderBy(asc(uploads.createdAt))
        .limit(param('limit')),
    ),
    references: defineStatement(['ids'], (param) =>
      db
        .select(rowOf(Object.values(referenceColumns)))
        .from(uploads)
        .where(sql`${uploads.id} in ${jsonList(param, 'ids')}`),
    ),
    history: defineStatement(['ids'], (param) =>
      db
        .select(rowOf(Object.values(eventColumns)))
        .from(uploadEvents)
        .where(sql`${uploadEvents.uploadId} in ${jsonList(param, 'ids')}`)
        .orderBy(asc(uploadEvents.uploadId), asc(uploadEvents.version)),
    ),
    advance: defineStatement(saveVersionParams, saveVersionStatement),
    addEvent: defineStatement(['uploadId', 'version', 'status', 'source', 'at'], (param) =>
      db.insert(uploadEvents).values({
        uploadId: param('uploadId'),
        version: param('version'),
        status: param('status'),
        source: param('source'),
        at: param('at'),
      }),
    ),
    acquireChangeLease: defineStatement(changeLeaseParams, changeLeaseStatement),
    releaseChangeLease: defineStatement(['uid', 'until'], releaseChangeLeaseStatement),
    due: defineStatement(['now', 'limit'], (param) =>
      db
        .select(fullRow)
        .from(uploads)
        .where(and(isNotNull(uploads.checkAt), sql`${uploads.checkAt} <= ${param('now')}`))
        .orderBy(...dueOrder)
        .limit(param('limit')),
    ),
    // The plus keeps SQLite from scanning all future polls, which most uploads have.
    pullForward: defineStatement(['now', 'openAhead', 'anyAhead', 'createdAfter'], (param) =>
      db
        .update(uploads)
        .set({ checkAt: sql`${param('now')}` })
        .where(
          sql`${uploads.id} in (
            select id from ${uploads} where created_at > ${param('createdAfter')}
              and uid is not null and +check_at > ${param('openAhead')}
              and status in ('PENDING_UPLOAD', 'UPLOADING', 'QUEUED', 'IN_PROGRESS')
            union all
            select id from ${uploads} where check_at > ${param('anyAhead')})`,
        ),
    ),
    oldestDuePoll: defineStatement([], () =>
      db
        .select({ checkAt: uploads.checkAt })
        .from(uploads)
        .where(isNotNull(uploads.checkAt))
        .orderBy(asc(uploads.checkAt))
        .limit(1),
    ),
    reschedule: defineStatement(
      ['uid', 'version', 'checkAt', 'idleChecks', 'missingChecks'],
      (param) =>
        db
          .update(uploads)
          .set(paramsFor(param, ['checkAt', 'idleChecks', 'missingChecks']))
          .where(and(eq(uploads.uid, param('uid')), eq(uploads.version, param('version')))),
    ),
    ...defineCountStatements(rowOf),
    recordAccount: defineStatement(['account', 'replace'], (param) =>
      db
        .update(deployments)
        .set({ account: sql`${param('account')}` })
        .where(
          sql`${deployments.account} is null or ${param('replace')} = 1
            or not exists (select 1 from ${uploads} where ${uploads.uid} > '')`,
        ),
    ),
    account: defineStatement([], () =>
      db.select({ account: deployments.account }).from(deployments),
    ),
    saveUnmatchedWebhook: defineStatement(['uid', 'body', 'receivedAt'], (param) =>
      db
        .insert(unmatchedWebhooks)
        .values({ uid: param('uid'), body: param('body'), receivedAt: param('receivedAt') })
        .onConflictDoNothing(),
    ),
    unmatchedWebhooks: defineStatement(['uid'], (param) =>
      db
        .select({ body: unmatchedWebhooks.body })
        .from(unmatchedWebhooks)
        .where(eq(unmatchedWebhooks.uid, param('uid')))
        .orderBy(asc(unmatchedWebhooks.receivedAt)),
    ),
    deleteUnmatchedWebhooks: defineStatement(['uid'], (param) =>
      db.delete(unmatchedWebhooks).where(eq(unmatchedWebhooks.uid, param('uid'))),
    ),
    hasUnmatchedWebhooks: defineStatement(['before'], (param) =>
      db
        .select({ found: sql`1` })
        .from(unmatchedWebhooks)
        .where(sql`${unmatchedWebhooks.receivedAt} < ${param('before')}`)
        .limit(1),
    ),
    deleteUnmatchedWebhooksBefore: defineStatement(['before'], (param) =>
      db.delete(unmatchedWebhooks).where(sql`${unmatchedWebhooks.receivedAt} < ${param('before')}`),
    ),
  }
}
