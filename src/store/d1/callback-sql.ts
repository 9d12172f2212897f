/**
 * SQL text that lists and replays callbacks. `wrangler d1 execute` runs it, because only the Worker has the binding
 * of its database.
 */
import { type SQL, sql } from 'drizzle-orm'
import type { DeliveryState, ReplayFilter } from '../../uploads/ports/callback-store.ts'
import { type SqliteValue, db, defineStatement } from '../sqlite/define-statement.ts'
import { callbackDeliveries as deliveries, callbackEvents as events } from '../sqlite/tables.ts'
import { replayQueries } from './callback-store.ts'
import { type Query, bindQuery } from './d1-client.ts'

const listed = defineStatement(['state', 'limit'], (param) =>
  db
    .select({
      id: events.id,
      type: events.type,
      at: rfc3339(events.at, 'at'),
      // The path may be secret. The host begins at the eighth or ninth character.
      target:
        sql`substr(${deliveries.target}, 1, 7 + instr(substr(${deliveries.target}, 9) || '/', '/'))`.as(
          'target',
        ),
      attempts: deliveries.attempts,
      next: rfc3339(deliveries.dueAt, 'next'),
      done: rfc3339(deliveries.doneAt, 'done'),
      error: deliveries.lastError,
    })
    .from(deliveries)
    .innerJoin(events, sql`${events.id} = ${deliveries.eventId}`)
    .where(sql`${deliveries.state} = ${param('state')}`)
    .orderBy(sql`${deliveries.doneAt} desc, ${deliveries.at}, ${deliveries.eventId}`)
    .limit(param('limit')),
)

/** Returns the SQL that lists deliveries: those that are done newest first, others oldest first. */
export function listCallbacksSql(state: DeliveryState, limit: number): string {
  return textOf(bindQuery(listed, { state, limit }))
}

/** Returns the SQL that makes up to `limit` deliveries wait again. The hub sends them within a minute. */
export function replayCallbacksSql(filter: ReplayFilter, now: Date, limit: number): string {
  return replayQueries(filter, now, limit).map(textOf).join('\n')
}

/** @param column milliseconds since 1970 */
function rfc3339(column: unknown, name: string): SQL.Aliased {
  return sql`strftime('%Y-%m-%dT%H:%M:%SZ', ${column} / 1000, 'unixepoch')`.as(name)
}

/** Writes the values into the statement. */
function textOf({ source, values }: Query): string {
  const remaining = [...values]
  const text = source
    .replaceAll(/\s+/g, ' ')
    .replaceAll(/'[^']*'|\?/g, (part) => (part === '?' ? literal(remaining.shift() ?? null) : part))
  return `${text};`
}

function literal(value: SqliteValue): string {
  return typeof value === 'string' ? `'${value.replaceAll("'", "''")}'` : String(value ?? 'null')
}
