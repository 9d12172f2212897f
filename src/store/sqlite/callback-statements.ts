/**
 * Statements of the outbox. The D1 adapter shares them; those that it needs otherwise are in ../d1/callback-statements.ts.
 * Lists are JSON, so that one statement serves any.
 */
import { type SQL, sql } from 'drizzle-orm'
import { DELIVERY_COUNT_LIMIT } from '../../uploads/ports/callback-store.ts'
import { type NamedParam, type RowShape, db, defineStatement } from './define-statement.ts'
import { callbackDeliveries as deliveries, callbackEvents as events } from './tables.ts'

const isWaiting = sql`state = 'waiting'`

/** @param rowOf select list that the adapter reads its rows from */
export function defineCallbackStatements(rowOf: RowShape) {
  return {
    addEvent: defineStatement(['id', 'uploadId', 'version', 'type', 'at', 'body'], (param) =>
      db.insert(events).values({
        id: param('id'),
        uploadId: param('uploadId'),
        version: param('version'),
        type: param('type'),
        at: param('at'),
        body: param('body'),
      }),
    ),
    /** Records a delivery. It is due at once, unless the target has earlier events of the upload to receive. */
    addDelivery: defineStatement(['id', 'uploadId', 'version', 'at', 'target'], (param) =>
      db.insert(deliveries).values({
        uploadId: param('uploadId'),
        target: param('target'),
        version: param('version'),
        eventId: param('id'),
        at: param('at'),
        state: 'waiting',
        attempts: 0,
        dueAt: sql`iif(${hasWaiting(param('uploadId'), param('target'))}, null, ${param('at')})`,
      }),
    ),

    /** `claimed` is a list of events whose deliveries are claimed. */
    dueDeliveries: defineStatement(['target', 'now', 'claimed', 'limit'], (param) =>
      db
        .select(rowOf(dueColumns))
        .from(deliveries)
        .innerJoin(events, sql`${events.id} = ${deliveries.eventId}`)
        .where(
          sql`${isDue(param)} and ${deliveries.eventId} not in (select value from json_each(${param('claimed')}))`,
        )
        .orderBy(...dueOrder)
        .limit(param('limit')),
    ),
    /** Records an attempt of a delivery that waits. */
    recordAttempt: defineStatement([...deliveryKey, ...attemptValues], (param) =>
      db
        .update(deliveries)
        .set({
          state: sql`${param('state')}`,
          dueAt: sql`${param('dueAt')}`,
          doneAt: sql`${param('doneAt')}`,
          attempts: sql`attempts + 1`,
          lastStatus: sql`${param('lastStatus')}`,
          lastError: sql`${param('lastError')}`,
        })
        .where(isOne(param)),
    ),
    /** Schedules a delivery that was not attempted. */
    postpone: defineStatement([...deliveryKey, 'dueAt'], (param) =>
      db
        .update(deliveries)
        .set({ dueAt: sql`${param('dueAt')}` })
        .where(isOne(param)),
    ),
    /** The keys of `promote` for which an event waits. Most uploads have none: it costs less than `promote`. */
    followed: defineStatement(['keys'], (param) =>
      db
        .select({ keys: sql`json_group_array(json(value))` })
        .from(sql`json_each(${param('keys')})`)
        .where(hasWaiting(sql`value ->> 0`, sql`value ->> 1`)),
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

const deliveryKey = ['uploadId', 'target', 'version'] as const
const attemptValues = ['state', 'dueAt', 'doneAt', 'lastStatus', 'lastError'] as const

/** Columns of a due delivery, in the order of `readDueDelivery`. */
const eventColumns = [events.id, events.type, events.uploadId, events.version, events.at] as const
export const dueColumns = [...eventColumns, events.body, deliveries.target, deliveries.attempts]
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
export const dueOrder = [sql`due_at`, sql`${deliveries}.rowid`]

/** Whether an event of the upload waits for the target. */
export function hasWaiting(uploadId: unknown, target: unknown): SQL {
  return sql`exists (select 1 from ${deliveries} where upload_id = ${uploadId} and target = ${target} and ${isWaiting})`
}

/** The delivery with this key, while it waits. */
function isOne<Name extends string>(param: NamedParam<Name | (typeof deliveryKey)[number]>): SQL {
  return sql`upload_id = ${param('uploadId')} and target = ${param('target')} and version = ${param('version')}
    and ${isWaiting}`
}

export function isDue<Name extends string>(param: NamedParam<Name | 'target' | 'now'>): SQL {
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

/** Looks at each target for which deliveries wait, because the index of those that wait begins with it. */
function waitingBefore(before: unknown): SQL {
  return sql`select waiting.rowid from (
      with recursive each_target(target) as (
        select ${firstTarget(sql`true`)}
        union all
        select ${firstTarget(sql`target > each_target.target`)} from each_target where each_target.target is not null
      ) select target from each_target) as listed
    cross join ${deliveries} as waiting
    where waiting.target = listed.target and waiting.state = 'waiting' and waiting.at < ${before}`
}

/** The first target for which deliveries wait; null if there is none. */
function firstTarget(condition: SQL): SQL {
  return sql`(select min(target) from ${deliveries} where ${isWaiting} and ${condition})`
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
