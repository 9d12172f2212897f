/** Statements that write a new version of an upload, each with its event in one SQL statement. */
import { and, eq, sql } from 'drizzle-orm'
import type { NodePgDatabase } from 'drizzle-orm/node-postgres'
import { updatedColumns } from '../updated-columns.ts'
import { uploadColumns } from './columns.ts'
import { rowsParam } from './json-rows.ts'
import { param, textArrayParam } from './parameters.ts'
import { callbackDeliveries, callbackEvents } from './callback-tables.ts'
import { uploadEvents, uploads } from './tables.ts'

/** Columns that `mint_uploads` changes, and the id. `updatedAt` is the time of the first event too. */
export const mintedColumns = {
  id: uploads.id,
  uid: uploads.uid,
  uploadURL: uploads.uploadURL,
  updatedAt: uploads.updatedAt,
  checkAt: uploads.checkAt,
}

/**
 * Turns each reservation of the rows into an upload with its first event, and reads the webhooks stored for its uid.
 * Returns no row for a reservation that no longer exists.
 */
export function mintStatement(db: NodePgDatabase) {
  const minted = mintedRows(db)
  return db
    .with(minted)
    .select({ ...uploadColumns, webhooks: sql<readonly string[] | null>`webhooks` })
    .from(uploads)
    .prepare('headgate_mint')
}

/**
 * As `mintStatement`, and records the callbacks of the rows, each with one delivery per target. A new upload has no
 * earlier event that waits.
 */
export function mintWithCallbacksStatement(db: NodePgDatabase) {
  const minted = mintedRows(db)
  const event = db.$with('event', {}).as(
    sql`insert into ${callbackEvents} (id, upload_id, version, type, at, body)
      select entry.callback_id, uploads.id, 1, entry.callback_type, entry.updated_at, entry.callback_body
      from json_to_recordset(${rowsParam}) as entry
        (id text, uid text, updated_at timestamptz, callback_id text, callback_type text, callback_body text)
      join uploads on uploads.id = entry.id and uploads.uid = entry.uid
      where entry.callback_id is not null
      returning *`,
  )
  const delivery = db.$with('delivery', {}).as(
    sql`insert into ${callbackDeliveries} (upload_id, target, version, event_id, at, state, attempts, due_at)
      select event.upload_id, listed.target, event.version, event.id, event.at, 'waiting', 0, ${dueFrom}
      from event cross join unnest(${textArrayParam('targets')}) as listed (target)`,
  )
  return db
    .with(minted, event, delivery)
    .select({ ...uploadColumns, webhooks: sql<readonly string[] | null>`webhooks` })
    .from(uploads)
    .prepare('headgate_mint_with_callbacks')
}

function mintedRows(db: NodePgDatabase) {
  // Has the name of the table, so that its columns can be selected.
  return db.$with('uploads', {}).as(
    sql`select (minted.upload).*, minted.webhooks
      from mint_uploads(${rowsParam}, ${textArrayParam('uids')}) as minted`,
  )
}

/** Due at the time of the event, or now if the clock of the gateway is ahead of the server's. */
const dueFrom = sql`least(event.at, clock_timestamp())`

/** Writes the next version, and its event if there is one. */
export function saveVersionStatement(db: NodePgDatabase) {
  const { advanced, event } = saveVersion(db)
  return db.with(advanced, event).select().from(advanced).prepare('headgate_save_version')
}

/**
 * As `saveVersionStatement`, and records a callback with one delivery per target. A delivery is due if none of the
 * upload waits. The last one that waits is locked, so that results that are being recorded are awaited.
 */
export function saveVersionWithCallbackStatement(db: NodePgDatabase) {
  const { advanced, event } = saveVersion(db)
  const callback = db.$with('callback', {}).as(
    sql`insert into ${callbackEvents} (id, upload_id, version, type, at, body)
      select ${param('callbackId', callbackEvents.id)}, id, version, ${param('callbackType', callbackEvents.type)},
        ${param('callbackAt', callbackEvents.at)}, ${param('callbackBody', callbackEvents.body)} from advanced
      returning *`,
  )
  // Those that wait are found by `done_at`: by `state`, a plan without statistics would read all of the target.
  const delivery = db.$with('delivery', {}).as(
    sql`insert into ${callbackDeliveries} (upload_id, target, version, event_id, at, state, attempts, due_at)
      select event.upload_id, listed.target, event.version, event.id, event.at, 'waiting', 0,
        case when earlier.version is null then ${dueFrom} end
      from callback as event cross join unnest(${textArrayParam('targets')}) as listed (target)
      left join lateral (
        select version from ${callbackDeliveries}
        where upload_id = event.upload_id and target = listed.target and done_at is null
        order by version desc limit 1 for update
      ) as earlier on true`,
  )
  return db
    .with(advanced, event, callback, delivery)
    .select()
    .from(advanced)
    .prepare('headgate_save_version_with_callback')
}

/** Writes the next version, and its event if there is one. */
function saveVersion(db: NodePgDatabase) {
  const changed = Object.fromEntries(
    updatedColumns.map((name) => [name, param(name, uploads[name])]),
  )
  const advanced = db.$with('advanced').as(
    db
      .update(uploads)
      .set({ ...changed, idleChecks: 0, missingChecks: 0 })
      .where(
        and(
          eq(uploads.id, param('id', uploads.id)),
          eq(uploads.version, param('expected', uploads.version)),
        ),
      )
      .returning({ id: uploads.id, version: uploads.version }),
  )
  const event = db.$with('event').as(
    db
      .insert(uploadEvents)
      .select(
        sql`select id, version, ${sql.placeholder('eventStatus')}::text, ${sql.placeholder('eventSource')}::text, ${param('eventAt', uploadEvents.at)}
          from advanced where ${sql.placeholder('eventStatus')}::text is not null`,
      )
      .returning({ uploadId: uploadEvents.uploadId }),
  )
  return { advanced, event }
}
