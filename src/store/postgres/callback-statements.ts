/** Statements of the outbox. Events are recorded by the statements that change uploads: version-statements.ts. */
import { type SQL, desc, eq, sql } from 'drizzle-orm'
import type { NodePgDatabase } from 'drizzle-orm/node-postgres'
import { DELIVERY_COUNT_LIMIT } from '../../uploads/ports/callback-store.ts'
import { serverOrCallerTime } from './lease-statements.ts'
import { param, textArrayParam } from './parameters.ts'
import { callbackDeliveries as deliveries, callbackEvents as events } from './callback-tables.ts'

const eventColumns = {
  id: events.id,
  type: events.type,
  uploadId: events.uploadId,
  version: events.version,
  at: events.at,
}
const listedColumns = {
  event: eventColumns,
  target: deliveries.target,
  state: deliveries.state,
  attempts: deliveries.attempts,
  dueAt: deliveries.dueAt,
  doneAt: deliveries.doneAt,
  lastStatus: deliveries.lastStatus,
  lastError: deliveries.lastError,
}

export function prepareCallbackStatements(db: NodePgDatabase) {
  const now = serverOrCallerTime()
  const isListed = sql`target = listed.target`
  return {
    claim: claimStatement(db),
    recordResults: db
      .select({
        done: sql`record_delivery_results(${sql.placeholder('results')}::json, ${now})::text`,
      })
      .from(sql`(values (1)) as one`)
      .prepare('headgate_record_delivery_results'),
    next: db
      .select({ dueAt: sql`due.due_at`.mapWith(toDate) })
      .from(
        sql`unnest(${textArrayParam('targets')}) as listed (target) cross join lateral (
          select due_at from ${deliveries} where ${isListed} and due_at is not null
          order by due_at limit 1) as due`,
      )
      .orderBy(sql`due.due_at`)
      .limit(1)
      .prepare('headgate_next_delivery'),
    count: db
      .select({
        target: sql<string>`listed.target`,
        waiting: countOf(sql`state = 'waiting'`),
        dead: countOf(sql`state = 'dead'`),
        oldestWaiting: sql<Date | null>`(select at from ${deliveries}
          where ${isListed} and state = 'waiting' order by at limit 1)`.mapWith(toDate),
      })
      .from(sql`unnest(${textArrayParam('targets')}) as listed (target)`)
      .prepare('headgate_count_deliveries'),
    listWaiting: db
      .select(listedColumns)
      .from(deliveries)
      .innerJoin(events, eq(events.id, deliveries.eventId))
      .where(sql`${deliveries.state} = 'waiting'`)
      .orderBy(deliveries.at, deliveries.eventId)
      .limit(sql.placeholder('limit'))
      .prepare('headgate_list_waiting_deliveries'),
    listDone: db
      .select(listedColumns)
      .from(deliveries)
      .innerJoin(events, eq(events.id, deliveries.eventId))
      .where(
        sql`${deliveries.state} = ${param('state', deliveries.state)} and ${deliveries.doneAt} is not null`,
      )
      .orderBy(desc(deliveries.doneAt))
      .limit(sql.placeholder('limit'))
      .prepare('headgate_list_done_deliveries'),
    replay: db
      .select({
        replayed: sql<number>`replay_deliveries(${param('id', events.id)}, ${sql.placeholder('onlyDead')}::boolean,
          ${param('since', events.at)}, ${param('doneUntil', events.at)}, ${now}, ${sql.placeholder('limit')}::integer)`,
      })
      .from(sql`(values (1)) as one`)
      .prepare('headgate_replay_deliveries'),
    deleteOld: db
      .select({
        deleted: sql<number>`delete_old_deliveries(${param('waitingBefore', events.at)},
          ${param('deliveredBefore', events.at)}, ${param('deadBefore', events.at)}, ${now},
          ${sql.placeholder('limit')}::integer)`,
      })
      .from(sql`(values (1)) as one`)
      .prepare('headgate_delete_old_deliveries'),
    pullForward: db
      .update(deliveries)
      .set({ dueAt: now })
      .where(
        sql`${deliveries.dueAt} > ${now} + ${sql.placeholder('aheadMs')}::float8 * interval '1 millisecond'`,
      )
      .prepare('headgate_limit_retries_ahead'),
  }
}

/** Claims due deliveries until `forMs` from now. Deliveries that another gateway is claiming are skipped. */
function claimStatement(db: NodePgDatabase) {
  const now = serverOrCallerTime()
  const claimed = db.$with('claimed', {}).as(
    sql`with due as materialized (
        select upload_id, target, version from ${deliveries}
        where target = ${param('target', deliveries.target)} and due_at <= ${now}
        order by due_at limit ${sql.placeholder('limit')} for update skip locked
      )
      update ${deliveries} as delivery
      set due_at = ${now} + ${sql.placeholder('forMs')}::float8 * interval '1 millisecond'
      from due where delivery.upload_id = due.upload_id and delivery.target = due.target
        and delivery.version = due.version
      returning delivery.*`,
  )
  return db
    .with(claimed)
    .select({
      event: { ...eventColumns, body: events.body },
      target: sql<string>`claimed.target`,
      attempts: sql<number>`claimed.attempts`,
      leaseUntil: sql`claimed.due_at`.mapWith(toDate),
    })
    .from(sql`claimed`)
    .innerJoin(events, sql`${events.id} = claimed.event_id`)
    .orderBy(sql`claimed.at`, events.id)
    .prepare('headgate_claim_deliveries')
}

function toDate(value: string): Date {
  return new Date(value)
}

/** Counts the deliveries of a listed target, up to the limit. */
function countOf(condition: SQL): SQL<number> {
  return sql`(select count(*) from (select from ${deliveries} where target = listed.target and ${condition}
    limit ${sql.raw(String(DELIVERY_COUNT_LIMIT))}) as counted)`.mapWith(Number)
}
