/** The statements whose words are always the same, for whoever keeps uploads in these tables. */
import { and, asc, eq, isNotNull, sql } from 'drizzle-orm'
import { allColumns, eventColumns, fateColumns, uploadColumns } from './read-rows.ts'
import { type Given, type RowOf, db, word } from './define-statement.ts'
import { deployments, keptNotices, uploadEvents, uploadTallies, uploads } from './tables.ts'
import { changedNames } from '../updated-columns.ts'
import { reservedNames } from './write-rows.ts'

/** What a recorded change says, and the version that it follows. */
export const advanceNames = ['id', 'expected', ...changedNames] as const
type AdvanceName = (typeof advanceNames)[number]

/** A list handed in as JSON, so that one prepared statement serves lists of any length. */
export function listed<Name extends string>(given: Given<Name>, name: Name) {
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

/** The row of a reservation. What is left out is null, and stays so until Stream has answered. */
export function reservedRow<Name extends string>(
  given: Given<Name | (typeof reservedNames)[number]>,
) {
  return {
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
    status: 'RESERVED' as const,
    version: 0,
    updatedAt: given('createdAt'),
    totalBytes: given('totalBytes'),
    received: false,
    reservedSeconds: given('maxDurationSeconds'),
    storedSeconds: 0,
    idleChecks: 0,
    missingChecks: 0,
  }
}

/** Writes the next version, where the one before is still there. */
export function advanceStatement(given: Given<AdvanceName>) {
  return db
    .update(uploads)
    .set({ ...eachGiven(given, changedNames), idleChecks: 0, missingChecks: 0 })
    .where(and(eq(uploads.id, given('id')), eq(uploads.version, given('expected'))))
}

/** Most overdue first, and never in another order: the index of the due has them like this. */
export const inTheirTurn = [asc(uploads.checkAt), sql`rowid`] as const

/** @param rowOf how the keeper wants its rows */
export function wordStatements(rowOf: RowOf) {
  const uploadRow = rowOf(Object.values(uploadColumns))
  const wholeRow = rowOf(Object.values(allColumns))
  return {
    reserve: word(reservedNames, (given) => db.insert(uploads).values(reservedRow(given))),
    findByUid: word(['uid'], (given) =>
      db
        .select(uploadRow)
        .from(uploads)
        .where(eq(uploads.uid, given('uid'))),
    ),
    findByUids: word(['uids'], (given) =>
      db
        .select(uploadRow)
        .from(uploads)
        .where(sql`${uploads.uid} in ${listed(given, 'uids')}`),
    ),
    findByKey: word(['requestedBy', 'idempotencyKey'], (given) =>
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
    forgetKey: word(['requestedBy', 'idempotencyKey', 'before'], (given) =>
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
    mint: word(['id', 'uid', 'uploadURL', 'at', 'checkAt'], (given) =>
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
    release: word(['id'], (given) =>
      db.delete(uploads).where(and(eq(uploads.id, given('id')), eq(uploads.status, 'RESERVED'))),
    ),
    retire: word(['id'], (given) =>
      db
        .update(uploads)
        .set({ status: 'RETIRED', idempotencyKey: null, reservedSeconds: 0 })
        .where(and(eq(uploads.id, given('id')), eq(uploads.status, 'RESERVED'))),
    ),
    // Statuses stand as literals where an index is of their rows only.
    hasRetired: word(['before'], (given) =>
      db
        .select({ found: sql`1` })
        .from(uploads)
        .where(sql`${uploads.status} = 'RETIRED' and ${uploads.createdAt} < ${given('before')}`)
        .limit(1),
    ),
    dropRetired: word(['before'], (given) =>
      db
        .delete(uploads)
        .where(sql`${uploads.status} = 'RETIRED' and ${uploads.createdAt} < ${given('before')}`),
    ),
    unsettled: word(['before', 'limit'], (given) =>
      db
        .select(wholeRow)
        .from(uploads)
        .where(sql`${uploads.status} = 'RESERVED' and ${uploads.createdAt} < ${given('before')}`)
        .orderBy(asc(uploads.createdAt))
        .limit(given('limit')),
    ),
    references: word(['ids'], (given) =>
      db
        .select(rowOf(Object.values(fateColumns)))
        .from(uploads)
        .where(sql`${uploads.id} in ${listed(given, 'ids')}`),
    ),
    history: word(['ids'], (given) =>
      db
        .select(rowOf(Object.values(eventColumns)))
        .from(uploadEvents)
        .where(sql`${uploadEvents.uploadId} in ${listed(given, 'ids')}`)
        .orderBy(asc(uploadEvents.uploadId), asc(uploadEvents.version)),
    ),
    advance: word(advanceNames, advanceStatement),
    addEvent: word(['uploadId', 'version', 'status', 'source', 'at'], (given) =>
      db.insert(uploadEvents).values({
        uploadId: given('uploadId'),
        version: given('version'),
        status: given('status'),
        source: given('source'),
        at: given('at'),
      }),
    ),
    due: word(['now', 'limit'], (given) =>
      db
        .select(wholeRow)
        .from(uploads)
        .where(and(isNotNull(uploads.checkAt), sql`${uploads.checkAt} <= ${given('now')}`))
        .orderBy(...inTheirTurn)
        .limit(given('limit')),
    ),
    // The plus keeps SQLite from going through all polls that are ahead, which most uploads have.
    pullForward: word(['now', 'openAhead', 'anyAhead', 'createdAfter'], (given) =>
      db
        .update(uploads)
        .set({ checkAt: sql`${given('now')}` })
        .where(
          sql`${uploads.id} in (
            select id from ${uploads} where created_at > ${given('createdAfter')}
              and uid is not null and +check_at > ${given('openAhead')}
              and status in ('PENDING_UPLOAD', 'UPLOADING', 'QUEUED', 'IN_PROGRESS')
            union all
            select id from ${uploads} where check_at > ${given('anyAhead')})`,
        ),
    ),
    oldestDue: word([], () =>
      db
        .select({ checkAt: uploads.checkAt })
        .from(uploads)
        .where(isNotNull(uploads.checkAt))
        .orderBy(asc(uploads.checkAt))
        .limit(1),
    ),
    reschedule: word(['uid', 'version', 'checkAt', 'idleChecks', 'missingChecks'], (given) =>
      db
        .update(uploads)
        .set(eachGiven(given, ['checkAt', 'idleChecks', 'missingChecks']))
        .where(and(eq(uploads.uid, given('uid')), eq(uploads.version, given('version')))),
    ),
    // Tallies: a creator has a row for each status and protocol at most, and so has everybody.
    holdings: word(['creator'], (given) =>
      db
        .select(rowOf([total('reservedSeconds'), total('storedSeconds')]))
        .from(uploadTallies)
        .where(eq(uploadTallies.creator, given('creator'))),
    ),
    count: word(['creator', 'statuses', 'protocols'], (given) =>
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
    countByStatus: word(['creator'], (given) =>
      db
        .select(rowOf([uploadTallies.status, total('uploads')]))
        .from(uploadTallies)
        .where(eq(uploadTallies.creator, given('creator')))
        .groupBy(uploadTallies.status),
    ),
    noteAccount: word(['account', 'replace'], (given) =>
      db
        .update(deployments)
        .set({ account: sql`${given('account')}` })
        .where(
          sql`${deployments.account} is null or ${given('replace')} = 1
            or not exists (select 1 from ${uploads} where ${uploads.uid} > '')`,
        ),
    ),
    account: word([], () => db.select({ account: deployments.account }).from(deployments)),
    keepNotice: word(['uid', 'body', 'receivedAt'], (given) =>
      db
        .insert(keptNotices)
        .values({ uid: given('uid'), body: given('body'), receivedAt: given('receivedAt') })
        .onConflictDoNothing(),
    ),
    keptNotices: word(['uid'], (given) =>
      db
        .select({ body: keptNotices.body })
        .from(keptNotices)
        .where(eq(keptNotices.uid, given('uid')))
        .orderBy(asc(keptNotices.receivedAt)),
    ),
    dropNotices: word(['uid'], (given) =>
      db.delete(keptNotices).where(eq(keptNotices.uid, given('uid'))),
    ),
    hasNotices: word(['before'], (given) =>
      db
        .select({ found: sql`1` })
        .from(keptNotices)
        .where(sql`${keptNotices.receivedAt} < ${given('before')}`)
        .limit(1),
    ),
    dropNoticesBefore: word(['before'], (given) =>
      db.delete(keptNotices).where(sql`${keptNotices.receivedAt} < ${given('before')}`),
    ),
  }
}
