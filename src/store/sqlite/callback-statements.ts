/** Statements of the outbox, shared by the SQLite and D1 adapters. Lists are JSON, so that one statement serves any. */
import { type SQL, sql } from 'drizzle-orm'
import { DELIVERY_COUNT_LIMIT } from '../../uploads/ports/callback-store.ts'
import { type NamedParam, type RowShape, db, defineStatement } from './define-statement.ts'
import { callbackDeliveries as deliveries, callbackEvents as events, uploads } from './tables.ts'

const isWaiting = sql`state = 'waiting'`

/** @param rowOf select list that the adapter reads its rows from */
export function defineCallbackStatements(rowOf: RowShape) {
  return {
    /** Records an event, if a later statement of the transaction writes its version of the upload. */
    addCallbackEvent: defineStatement(
      ['id', 'uploadId', 'version', 'type', 'at', 'body'],
      (param) =>
        db.insert(events).select(
          sql`select ${param('id')}, ${uploads.id}, ${param('version')}, ${param('type')}, ${param('at')}, ${param('body')}
            from ${uploads} where ${isNext(param)}`,
        ),
    ),
    /** Records its deliveries, under the same condition. */
    addDeliveries: defineStatement(['id', 'uploadId', 'version', 'at', 'targets'], (param) =>
      db.insert(deliveries).select(
        sql`select ${uploads.id}, listed.value, ${param('version')}, ${param('id')}, ${param('at')}, 'waiting', 0,
            iif(exists (select 1 from ${deliveries} where upload_id = ${uploads.id}
              and target = listed.value and ${isWaiting}), null, ${param('at')}), null, null, null
          from ${uploads} cross join json_each(${param('targets')}) as listed where ${isNext(param)}`,
      ),
    ),

    dueDeliveries: defineStatement(['target', 'now', 'limit'], (param) =>
      db
        .select(rowOf(dueColumns))
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
    /** `keys` is a list of `[uploadId, target]`. */
    promote: defineStatement(['keys', 'now'], (param) =>
      promote(
        param('now'),
        sql`select distinct value ->> 0 as upload_id, value ->> 1 as target from json_each(${param('keys')})`,
      ),
    ),

    nextDelivery: defineStatement(['targets'], (param) =>
      db.select({ dueAt: sql`min(due_at)` }).from(
        sql`(select (select due_at from ${deliveries} where target = listed.value and due_at is not null
            order by due_at limit 1) as due_at from json_each(${param('targets')}) as listed)`,
      ),
    ),
    countDeliveries: defineStatement(['targets'], (param) =>
      db
        .select(
          rowOf([
            sql`listed.value`,
            countOf(isWaiting),
            countOf(sql`state = 'dead'`),
            sql`(select at from ${deliveries} where target = listed.value and ${isWaiting} order by at limit 1)`,
          ]),
        )
        .from(sql`json_each(${param('targets')}) as listed`),
    ),
    listWaiting: defineStatement(['limit'], (param) =>
      db
        .select(rowOf(listedColumns))
        .from(deliveries)
        .innerJoin(events, sql`${events.id} = ${deliveries.eventId}`)
        .where(sql`${deliveries.state} = 'waiting'`)
        .orderBy(sql`${deliveries.at}, ${deliveries.eventId}`)
        .limit(param('limit')),
    ),
    listDone: defineStatement(['state', 'limit'], (param) =>
      db
        .select(rowOf(listedColumns))
        .from(deliveries)
        .innerJoin(events, sql`${events.id} = ${deliveries.eventId}`)
        .where(sql`${deliveries.state} = ${param('state')} and ${deliveries.doneAt} is not null`)
        .orderBy(sql`${deliveries.doneAt} desc`)
        .limit(param('limit')),
    ),

    /** Replayed deliveries wait, still with `doneAt`, until the next two statements of the transaction. */
    replayEvent: defineStatement(['id', 'now', 'limit'], (param) =>
      replay(
        param,
        sql`(upload_id, version) = (select upload_id, version from ${events} where id = ${param('id')})`,
      ),
    ),
    replayDead: defineStatement(['now', 'limit'], (param) => replay(param, sql`state = 'dead'`)),
    replaySince: defineStatement(['since', 'now', 'limit'], (param) =>
      replay(param, sql`done_at >= ${param('since')} and at >= ${param('since')}`),
    ),
    promoteReplayed: defineStatement(['now'], (param) =>
      promote(
        param('now'),
        sql`select distinct upload_id, target from ${deliveries} where ${isReplayed}`,
      ),
    ),
    endReplay: defineStatement([], () =>
      db.update(deliveries).set({ doneAt: null }).where(isReplayed),
    ),

    /** Deliveries that `expire` and `deleteDone` would change. */
    hasOldDeliveries: defineStatement(['waitingBefore', 'deliveredBefore', 'deadBefore'], (param) =>
      db.select({ found: sql`1` }).from(
        sql`(select 1 where exists (${waitingBefore(param('waitingBefore'))})
          or exists (${doneBefore('delivered', param('deliveredBefore'))})
          or exists (${doneBefore('dead', param('deadBefore'))}))`,
      ),
    ),
    /** Turns deliveries that wait for too long into dead letters. */
    expire: defineStatement(['waitingBefore', 'now', 'limit'], (param) =>
      db
        .update(deliveries)
        .set({ state: 'dead', dueAt: null, doneAt: sql`${param('now')}` })
        .where(sql`rowid in (${waitingBefore(param('waitingBefore'))} limit ${param('limit')})`)
        .returning({ found: sql`1` }),
    ),
    promoteExpired: defineStatement(['now'], (param) =>
      promote(
        param('now'),
        sql`select distinct upload_id, target from ${deliveries} where state = 'dead' and done_at = ${param('now')}`,
      ),
    ),
    /** A trigger deletes events without deliveries. */
    deleteDone: defineStatement(['deliveredBefore', 'deadBefore', 'limit'], (param) =>
      db
        .delete(deliveries)
        .where(
          sql`rowid in (select rowid from (${doneBefore('delivered', param('deliveredBefore'))}
            union all ${doneBefore('dead', param('deadBefore'))}) limit ${param('limit')})`,
        )
        .returning({ found: sql`1` }),
    ),
    /** Makes retries due that were scheduled under a wrong clock. */
    pullRetriesForward: defineStatement(['now', 'ahead'], (param) =>
      db
        .update(deliveries)
        .set({ dueAt: sql`${param('now')}` })
        .where(sql`due_at > ${param('ahead')}`),
    ),
  }
}

/** Columns of a due delivery, in the order of `readDueDelivery`. */
const eventColumns = [events.id, events.type, events.uploadId, events.version, events.at] as const
const dueColumns = [...eventColumns, events.body, deliveries.target, deliveries.attempts]
/** Columns of a listed delivery, in the order of `readListedDelivery`. */
const listedColumns = [
  ...eventColumns,
  deliveries.target,
  deliveries.state,
  deliveries.attempts,
  deliveries.dueAt,
  deliveries.doneAt,
  deliveries.lastStatus,
  deliveries.lastError,
]
const dueOrder = [sql`due_at`, sql`${deliveries}.rowid`]

/** Whether the version is the next one of an upload, or the first one of a reservation. */
function isNext<Name extends string>(param: NamedParam<Name | 'uploadId' | 'version'>): SQL {
  return sql`${uploads.id} = ${param('uploadId')} and ${uploads.version} = ${param('version')} - 1
    and ${uploads.status} <> 'RETIRED'`
}

function isDue<Name extends string>(param: NamedParam<Name | 'target' | 'now'>): SQL {
  return sql`${deliveries.target} = ${param('target')} and due_at is not null and due_at <= ${param('now')}`
}

/**
 * Makes the oldest waiting delivery of each upload and target due, unless one is due already. A count, because SQLite
 * would look for a due one among all of the target.
 */
function promote(now: unknown, keys: SQL) {
  const { uploadId, target, version } = deliveries
  const ofKey = sql`upload_id = promoted.upload_id and target = promoted.target and ${isWaiting}`
  return db
    .update(deliveries)
    .set({ dueAt: sql`${now}` })
    .from(sql`(${keys}) as promoted`)
    .where(
      sql`${uploadId} = promoted.upload_id and ${target} = promoted.target
        and ${version} = (select min(version) from ${deliveries} where ${ofKey})
        and (select count(due_at) from ${deliveries} where ${ofKey}) = 0`,
    )
}

const isReplayed = sql`${isWaiting} and done_at is not null`

function replay<Name extends string>(param: NamedParam<Name | 'now' | 'limit'>, condition: SQL) {
  return db
    .update(deliveries)
    .set({ state: 'waiting', attempts: 0, dueAt: null })
    .where(
      sql`rowid in (select rowid from ${deliveries} where state in ('delivered', 'dead')
        and done_at is not null and done_at <= ${param('now')} and ${condition} limit ${param('limit')})`,
    )
    .returning({ found: sql`1` })
}

function waitingBefore(before: unknown): SQL {
  return sql`select rowid from ${deliveries} where ${isWaiting} and at < ${before}`
}

/** The state is a constant, so that SQLite can use the partial index. */
function doneBefore(state: 'delivered' | 'dead', before: unknown): SQL {
  return sql`select rowid from ${deliveries} where state = ${sql.raw(`'${state}'`)} and done_at is not null and done_at < ${before}`
}

/** Counts the deliveries of a listed target, up to the limit. */
function countOf(condition: SQL): SQL {
  return sql`(select count(*) from (select 1 from ${deliveries} where target = listed.value and ${condition}
    limit ${sql.raw(String(DELIVERY_COUNT_LIMIT))}))`
}
