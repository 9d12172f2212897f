/** Every statement of the SQLite keeper that runs often, prepared once. */
import { and, asc, eq, isNotNull, sql } from 'drizzle-orm'
import type { BetterSQLite3Database } from 'drizzle-orm/better-sqlite3'
import { keptNotices, uploadEvents, uploads } from './tables.ts'

const given = sql.placeholder

/** A list handed in as JSON, so that one prepared statement serves lists of any length. */
const listed = (name: string) => sql`(select value from json_each(${given(name)}))`

/** The columns that a recorded change sets, each from the placeholder of its own name. */
function changed() {
  return {
    status: sql`${given('status')}`,
    version: sql`${given('version')}`,
    updatedAt: sql`${given('updatedAt')}`,
    totalBytes: sql`${given('totalBytes')}`,
    receivedBytes: sql`${given('receivedBytes')}`,
    encodingPercent: sql`${given('encodingPercent')}`,
    failureCode: sql`${given('failureCode')}`,
    failureMessage: sql`${given('failureMessage')}`,
    received: sql`${given('received')}`,
    durationSeconds: sql`${given('durationSeconds')}`,
    width: sql`${given('width')}`,
    height: sql`${given('height')}`,
    sizeBytes: sql`${given('sizeBytes')}`,
    hlsURL: sql`${given('hlsURL')}`,
    dashURL: sql`${given('dashURL')}`,
    thumbnailURL: sql`${given('thumbnailURL')}`,
    previewURL: sql`${given('previewURL')}`,
    readyAt: sql`${given('readyAt')}`,
    describedAt: sql`${given('describedAt')}`,
    goneAt: sql`${given('goneAt')}`,
    reservedSeconds: sql`${given('reservedSeconds')}`,
    storedSeconds: sql`${given('storedSeconds')}`,
    checkAt: sql`${given('checkAt')}`,
    idleChecks: sql`0`,
  }
}

export function prepareStatements(db: BetterSQLite3Database) {
  return {
    // What is left out is null, and stays so until Stream has answered.
    reserve: db
      .insert(uploads)
      .values({
        id: given('id'),
        protocol: given('protocol'),
        creator: given('creator'),
        name: given('name'),
        meta: given('meta'),
        maxDurationSeconds: given('maxDurationSeconds'),
        maxSizeBytes: given('maxSizeBytes'),
        allowedOrigins: given('allowedOrigins'),
        requireSignedURLs: given('requireSignedURLs'),
        scheduledDeletion: sql`${given('scheduledDeletion')}`,
        expiresAt: given('expiresAt'),
        createdAt: given('createdAt'),
        requestedBy: given('requestedBy'),
        idempotencyKey: given('idempotencyKey'),
        fingerprint: given('fingerprint'),
        status: 'RESERVED',
        version: 0,
        updatedAt: given('createdAt'),
        totalBytes: given('totalBytes'),
        received: false,
        reservedSeconds: given('maxDurationSeconds'),
        storedSeconds: 0,
        idleChecks: 0,
      })
      .prepare(),
    findByUid: db
      .select()
      .from(uploads)
      .where(eq(uploads.uid, given('uid')))
      .prepare(),
    findByUids: db
      .select()
      .from(uploads)
      .where(sql`${uploads.uid} in ${listed('uids')}`)
      .prepare(),
    findByKey: db
      .select()
      .from(uploads)
      .where(
        and(
          eq(uploads.requestedBy, given('requestedBy')),
          eq(uploads.idempotencyKey, given('idempotencyKey')),
        ),
      )
      .prepare(),
    forgetKey: db
      .update(uploads)
      .set({ idempotencyKey: null })
      .where(
        and(
          eq(uploads.requestedBy, given('requestedBy')),
          eq(uploads.idempotencyKey, given('idempotencyKey')),
          isNotNull(uploads.uid),
          sql`${uploads.createdAt} < ${given('before')}`,
        ),
      )
      .prepare(),
    mint: db
      .update(uploads)
      .set({
        uid: sql`${given('uid')}`,
        uploadURL: sql`${given('uploadURL')}`,
        status: 'PENDING_UPLOAD',
        version: 1,
        updatedAt: sql`${given('at')}`,
        checkAt: sql`${given('checkAt')}`,
      })
      .where(and(eq(uploads.id, given('id')), eq(uploads.status, 'RESERVED')))
      .returning()
      .prepare(),
    release: db
      .delete(uploads)
      .where(and(eq(uploads.id, given('id')), eq(uploads.status, 'RESERVED')))
      .prepare(),
    retire: db
      .update(uploads)
      .set({ status: 'RETIRED', idempotencyKey: null, reservedSeconds: 0 })
      .where(and(eq(uploads.id, given('id')), eq(uploads.status, 'RESERVED')))
      .prepare(),
    dropRetired: db
      .delete(uploads)
      .where(sql`${uploads.status} = 'RETIRED' and ${uploads.createdAt} < ${given('before')}`)
      .prepare(),
    unsettled: db
      .select()
      .from(uploads)
      // Literal, because the index is of these rows only.
      .where(sql`${uploads.status} = 'RESERVED' and ${uploads.createdAt} < ${given('before')}`)
      .orderBy(asc(uploads.createdAt))
      .limit(given('limit'))
      .prepare(),
    references: db
      .select({ id: uploads.id, uid: uploads.uid, status: uploads.status })
      .from(uploads)
      .where(sql`${uploads.id} in ${listed('ids')}`)
      .prepare(),
    history: db
      .select()
      .from(uploadEvents)
      .where(sql`${uploadEvents.uploadId} in ${listed('ids')}`)
      .orderBy(asc(uploadEvents.uploadId), asc(uploadEvents.version))
      .prepare(),
    advance: db
      .update(uploads)
      .set(changed())
      .where(and(eq(uploads.id, given('id')), eq(uploads.version, given('expected'))))
      .prepare(),
    addEvent: db
      .insert(uploadEvents)
      .values({
        uploadId: given('uploadId'),
        version: given('version'),
        status: given('status'),
        source: given('source'),
        at: given('at'),
      })
      .prepare(),
    due: db
      .select()
      .from(uploads)
      .where(and(isNotNull(uploads.checkAt), sql`${uploads.checkAt} <= ${given('now')}`))
      .orderBy(asc(uploads.checkAt))
      .limit(given('limit'))
      .prepare(),
    reschedule: db
      .update(uploads)
      .set({
        checkAt: sql`${given('checkAt')}`,
        idleChecks: sql`${given('idleChecks')}`,
      })
      .where(and(eq(uploads.uid, given('uid')), eq(uploads.version, given('version'))))
      .prepare(),
    holdings: db
      .select({
        reservedSeconds: sql<number>`coalesce(sum(${uploads.reservedSeconds}), 0)`,
        storedSeconds: sql<number>`coalesce(sum(${uploads.storedSeconds}), 0)`,
      })
      .from(uploads)
      .prepare(),
    holdingsOf: db
      .select({
        reservedSeconds: sql<number>`coalesce(sum(${uploads.reservedSeconds}), 0)`,
        storedSeconds: sql<number>`coalesce(sum(${uploads.storedSeconds}), 0)`,
      })
      .from(uploads)
      .where(eq(uploads.creator, given('creator')))
      .prepare(),
    countByStatus: db
      .select({ status: uploads.status, count: sql<number>`count(*)` })
      .from(uploads)
      .groupBy(uploads.status)
      .prepare(),
    oldestDue: db
      .select({ checkAt: uploads.checkAt })
      .from(uploads)
      .where(isNotNull(uploads.checkAt))
      .orderBy(asc(uploads.checkAt))
      .limit(1)
      .prepare(),
    keepNotice: db
      .insert(keptNotices)
      .values({ uid: given('uid'), body: given('body'), receivedAt: given('receivedAt') })
      .onConflictDoNothing()
      .prepare(),
    keptNotices: db
      .select({ body: keptNotices.body })
      .from(keptNotices)
      .where(eq(keptNotices.uid, given('uid')))
      .orderBy(asc(keptNotices.receivedAt))
      .prepare(),
    dropNotices: db
      .delete(keptNotices)
      .where(eq(keptNotices.uid, given('uid')))
      .prepare(),
    dropNoticesBefore: db
      .delete(keptNotices)
      .where(sql`${keptNotices.receivedAt} < ${given('before')}`)
      .prepare(),
  }
}
