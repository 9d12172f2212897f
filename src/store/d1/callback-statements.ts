/** Statements of the outbox that D1 needs otherwise than SQLite: a batch has no conditions, and several gateways share it. */
import { type SQL, sql } from 'drizzle-orm'
import {
  defineCallbackStatements,
  dueColumns,
  dueOrder,
  hasWaiting,
  isDue,
} from '../sqlite/callback-statements.ts'
import { type NamedParam, db, defineStatement } from '../sqlite/define-statement.ts'
import {
  callbackDeliveries as deliveries,
  callbackEvents as events,
  uploads,
} from '../sqlite/tables.ts'
import { plainColumns } from './statements.ts'

export const callbackStatements = {
  ...defineCallbackStatements(plainColumns),

  /** Records an event, if a later statement of the transaction writes its version of the upload. */
  addCallbackEvent: defineStatement(['id', 'uploadId', 'version', 'type', 'at', 'body'], (param) =>
    db.insert(events).select(
      sql`select ${param('id')}, ${uploads.id}, ${param('version')}, ${param('type')}, ${param('at')}, ${param('body')}
          from ${uploads} where ${isNext(param)}`,
    ),
  ),
  /** Records its deliveries, under the same condition. */
  addDeliveries: defineStatement(['id', 'uploadId', 'version', 'at', 'targets'], (param) =>
    db.insert(deliveries).select(
      sql`select ${uploads.id}, listed.value, ${param('version')}, ${param('id')}, ${param('at')}, 'waiting', 0,
          iif(${hasWaiting(uploads.id, sql`listed.value`)}, null, ${param('at')}), null, null, null
        from ${uploads} cross join json_each(${param('targets')}) as listed where ${isNext(param)}`,
    ),
  ),

  dueDeliveries: defineStatement(['target', 'now', 'limit'], (param) =>
    db
      .select(plainColumns(dueColumns))
      .from(deliveries)
      .innerJoin(events, sql`${events.id} = ${deliveries.eventId}`)
      .where(isDue(param))
      .orderBy(...dueOrder)
      .limit(param('limit')),
  ),
  /** Claims the deliveries that `dueDeliveries` returns in the same transaction. */
  claimDeliveries: defineStatement(['target', 'now', 'limit', 'until'], (param) =>
    db
      .update(deliveries)
      .set({ dueAt: sql`${param('until')}` })
      .where(
        sql`rowid in (select rowid from ${deliveries} where ${isDue(param)}
          order by ${sql.join(dueOrder, sql`, `)} limit ${param('limit')})`,
      ),
  ),
  /**
   * `results` is a list of `[uploadId, target, version, lease, state, dueAt, doneAt, isAttempt, status, error]`.
   * Results without their lease are ignored.
   */
  recordResults: defineStatement(['results'], (param) =>
    db
      .update(deliveries)
      .set({
        state: sql`result.state`,
        dueAt: sql`result.due_at`,
        doneAt: sql`result.done_at`,
        attempts: sql`${deliveries.attempts} + result.is_attempt`,
        lastStatus: sql`iif(result.is_attempt, result.status, ${deliveries.lastStatus})`,
        lastError: sql`iif(result.is_attempt, result.error, ${deliveries.lastError})`,
      })
      .from(
        sql`(select value ->> 0 as upload_id, value ->> 1 as target, value ->> 2 as version, value ->> 3 as lease,
          value ->> 4 as state, value ->> 5 as due_at, value ->> 6 as done_at, value ->> 7 as is_attempt,
          value ->> 8 as status, value ->> 9 as error from json_each(${param('results')})) as result`,
      )
      .where(
        sql`${deliveries.uploadId} = result.upload_id and ${deliveries.target} = result.target
          and ${deliveries.version} = result.version and ${deliveries.dueAt} = result.lease`,
      ),
  ),
}

/** Whether the version is the next one of an upload, or the first one of a reservation. */
function isNext<Name extends string>(param: NamedParam<Name | 'uploadId' | 'version'>): SQL {
  return sql`${uploads.id} = ${param('uploadId')} and ${uploads.version} = ${param('version')} - 1
    and ${uploads.status} <> 'RETIRED'`
}
