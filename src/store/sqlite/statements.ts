/** Every statement of the SQLite keeper whose words are always the same, prepared once. */
import type { Database } from 'better-sqlite3'
import { and, asc, eq, isNotNull, sql } from 'drizzle-orm'
import type { BetterSQLite3Database } from 'drizzle-orm/better-sqlite3'
import { allColumns, eventColumns, fateColumns, uploadColumns } from './read-rows.ts'
import { type Given, packed, prepare } from './statement.ts'
import { keptNotices, uploadEvents, uploadTallies, uploads } from './tables.ts'
import { changedNames, reservedNames } from './write-rows.ts'

const uploadRow = { row: packed(Object.values(uploadColumns)) }
const wholeRow = { row: packed(Object.values(allColumns)) }

/** A list handed in as JSON, so that one prepared statement serves lists of any length. */
function listed<Name extends string>(given: Given<Name>, name: Name) {
  return sql`(select value from json_each(${given(name)}))`
}

/** Each column from the value of its own name. */
function eachGiven<Name extends string>(given: Given<Name>, names: readonly Name[]) {
  return Object.fromEntries(names.map((name) => [name, sql`${given(name)}`]))
}

/** The sum over the rows chosen, which may be none. */
function total(column: 'uploads' | 'reservedSeconds' | 'storedSeconds') {
  return sql`coalesce(sum(${uploadTallies[column]}), 0)`
}

export function prepareStatements(db: BetterSQLite3Database, connection: Database) {
  return {
    // What is left out is null, and stays so until Stream has answered.
    reserve: prepare(connection, reservedNames, (given) =>
      db.insert(uploads).values({
        id: given('id'),
        protocol: given('protocol'),
        creator: given('creator'),
        name: given('name'),
        meta: given('meta'),
        maxDurationSeconds: given('maxDurationSeconds'),
        maxSizeBytes: given('maxSizeBytes'),
        allowedOrigins: given('allowedOrigins'),
        requireSignedURLs: given('requireSignedURLs'),
        scheduledDeletion: given('scheduledDeletion'),
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
      }),
    ),
    findByUid: prepare(connection, ['uid'], (given) =>
      db
        .select(uploadRow)
        .from(uploads)
        .where(eq(uploads.uid, given('uid'))),
    ),
    findByUids: prepare(connection, ['uids'], (given) =>
      db
        .select(uploadRow)
        .from(uploads)
        .where(sql`${uploads.uid} in ${listed(given, 'uids')}`),
    ),
    findByKey: prepare(connection, ['requestedBy', 'idempotencyKey'], (given) =>
      db
        .select(wholeRow)
        .from(uploads)
        .where(
          and(
            eq(uploads.requestedBy, given('requestedBy')),
            eq(uploads.idempotencyKey, given('idempotencyKey')),
          ),
        ),
    ),
    forgetKey: prepare(connection, ['requestedBy', 'idempotencyKey', 'before'], (given) =>
      db
        .update(uploads)
        .set({ idempotencyKey: null })
        .where(
          and(
            eq(uploads.requestedBy, given('requestedBy')),
            eq(uploads.idempotencyKey, given('idempotencyKey')),
            isNotNull(uploads.uid),
            sql`${uploads.createdAt} < ${given('before')}`,
          ),
        ),
    ),
    mint: prepare(connection, ['id', 'uid', 'uploadURL', 'at', 'checkAt'], (given) =>
      db
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
        .returning(uploadRow),
    ),
    release: prepare(connection, ['id'], (given) =>
      db.delete(uploads).where(and(eq(uploads.id, given('id')), eq(uploads.status, 'RESERVED'))),
    ),
    retire: prepare(connection, ['id'], (given) =>
      db
        .update(uploads)
        .set({ status: 'RETIRED', idempotencyKey: null, reservedSeconds: 0 })
        .where(and(eq(uploads.id, given('id')), eq(uploads.status, 'RESERVED'))),
    ),
    // Statuses stand as literals where an index is of their rows only.
    hasRetired: prepare(connection, ['before'], (given) =>
      db
        .select({ found: sql`1` })
        .from(uploads)
        .where(sql`${uploads.status} = 'RETIRED' and ${uploads.createdAt} < ${given('before')}`)
        .limit(1),
    ),
    dropRetired: prepare(connection, ['before'], (given) =>
      db
        .delete(uploads)
        .where(sql`${uploads.status} = 'RETIRED' and ${uploads.createdAt} < ${given('before')}`),
    ),
    unsettled: prepare(connection, ['before', 'limit'], (given) =>
      db
        .select(wholeRow)
        .from(uploads)
        .where(sql`${uploads.status} = 'RESERVED' and ${uploads.createdAt} < ${given('before')}`)
        .orderBy(asc(uploads.createdAt))
        .limit(given('limit')),
    ),
    references: prepare(connection, ['ids'], (given) =>
      db
        .select({ row: packed(Object.values(fateColumns)) })
        .from(uploads)
        .where(sql`${uploads.id} in ${listed(given, 'ids')}`),
    ),
    history: prepare(connection, ['ids'], (given) =>
      db
        .select({ row: packed(Object.values(eventColumns)) })
        .from(uploadEvents)
        .where(sql`${uploadEvents.uploadId} in ${listed(given, 'ids')}`)
        .orderBy(asc(uploadEvents.uploadId), asc(uploadEvents.version)),
    ),
    advance: prepare(connection, ['id', 'expected', ...changedNames], (given) =>
      db
        .update(uploads)
        .set({ ...eachGiven(given, changedNames), idleChecks: 0 })
        .where(and(eq(uploads.id, given('id')), eq(uploads.version, given('expected')))),
    ),
    addEvent: prepare(connection, ['uploadId', 'version', 'status', 'source', 'at'], (given) =>
      db.insert(uploadEvents).values({
        uploadId: given('uploadId'),
        version: given('version'),
        status: given('status'),
        source: given('source'),
        at: given('at'),
      }),
    ),
    due: prepare(connection, ['now', 'limit'], (given) =>
      db
        .select(wholeRow)
        .from(uploads)
        .where(and(isNotNull(uploads.checkAt), sql`${uploads.checkAt} <= ${given('now')}`))
        .orderBy(asc(uploads.checkAt))
        .limit(given('limit')),
    ),
    claim: prepare(connection, ['id', 'checkAt'], (given) =>
      db
        .update(uploads)
        .set(eachGiven(given, ['checkAt']))
        .where(eq(uploads.id, given('id'))),
    ),
    oldestDue: prepare(connection, [], () =>
      db
        .select({ checkAt: uploads.checkAt })
        .from(uploads)
        .where(isNotNull(uploads.checkAt))
        .orderBy(asc(uploads.checkAt))
        .limit(1),
    ),
    reschedule: prepare(connection, ['uid', 'version', 'checkAt', 'idleChecks'], (given) =>
      db
        .update(uploads)
        .set(eachGiven(given, ['checkAt', 'idleChecks']))
        .where(and(eq(uploads.uid, given('uid')), eq(uploads.version, given('version')))),
    ),
    // Tallies: a creator has a row for each status and protocol at most, and so has everybody.
    holdings: prepare(connection, ['creator'], (given) =>
      db
        .select({ row: packed([total('reservedSeconds'), total('storedSeconds')]) })
        .from(uploadTallies)
        .where(eq(uploadTallies.creator, given('creator'))),
    ),
    count: prepare(connection, ['creator', 'statuses', 'protocols'], (given) =>
      db
        .select({ count: total('uploads') })
        .from(uploadTallies)
        .where(
          and(
            eq(uploadTallies.creator, given('creator')),
            sql`${uploadTallies.status} in ${listed(given, 'statuses')}`,
            sql`${uploadTallies.protocol} in ${listed(given, 'protocols')}`,
          ),
        ),
    ),
    countByStatus: prepare(connection, ['creator'], (given) =>
      db
        .select({ row: packed([uploadTallies.status, total('uploads')]) })
        .from(uploadTallies)
        .where(eq(uploadTallies.creator, given('creator')))
        .groupBy(uploadTallies.status),
    ),
    keepNotice: prepare(connection, ['uid', 'body', 'receivedAt'], (given) =>
      db
        .insert(keptNotices)
        .values({ uid: given('uid'), body: given('body'), receivedAt: given('receivedAt') })
        .onConflictDoNothing(),
    ),
    keptNotices: prepare(connection, ['uid'], (given) =>
      db
        .select({ body: keptNotices.body })
        .from(keptNotices)
        .where(eq(keptNotices.uid, given('uid')))
        .orderBy(asc(keptNotices.receivedAt)),
    ),
    dropNotices: prepare(connection, ['uid'], (given) =>
      db.delete(keptNotices).where(eq(keptNotices.uid, given('uid'))),
    ),
    hasNotices: prepare(connection, ['before'], (given) =>
      db
        .select({ found: sql`1` })
        .from(keptNotices)
        .where(sql`${keptNotices.receivedAt} < ${given('before')}`)
        .limit(1),
    ),
    dropNoticesBefore: prepare(connection, ['before'], (given) =>
      db.delete(keptNotices).where(sql`${keptNotices.receivedAt} < ${given('before')}`),
    ),
  }
}
