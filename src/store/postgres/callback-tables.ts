/** The tables of the outbox. `npm run db:generate` writes changes of this file as the next migration. */
import { sql } from 'drizzle-orm'
import { index, integer, pgTable, primaryKey, text } from 'drizzle-orm/pg-core'
import { callbackTypes } from '../../uploads/callbacks/callback-type.ts'
import { deliveryStates } from '../../uploads/ports/callback-store.ts'
import { plain, timestamp } from './column-types.ts'

/** The outbox: events for the application, each recorded in the transaction of its change. */
export const callbackEvents = pgTable('callback_events', {
  id: plain('id').primaryKey(),
  uploadId: plain('upload_id').notNull(),
  version: integer('version').notNull(),
  type: text('type', { enum: callbackTypes }).notNull(),
  at: timestamp('at').notNull(),
  body: plain('body').notNull(),
})

/**
 * One delivery per event and target. Of the waiting deliveries of an upload to a target, one has `dueAt`: usually
 * the oldest.
 */
export const callbackDeliveries = pgTable(
  'callback_deliveries',
  {
    uploadId: plain('upload_id').notNull(),
    target: plain('target').notNull(),
    version: integer('version').notNull(),
    eventId: plain('event_id').notNull(),
    /** Time of the event. */
    at: timestamp('at').notNull(),
    state: text('state', { enum: deliveryStates }).notNull(),
    attempts: integer('attempts').notNull(),
    /** Next attempt, or the end of the claim under which one is made; null if none is due. */
    dueAt: timestamp('due_at'),
    lastStatus: integer('last_status'),
    lastError: plain('last_error'),
    /** When it was delivered or dead; null while it waits. */
    doneAt: timestamp('done_at'),
  },
  (table) => [
    primaryKey({ columns: [table.uploadId, table.target, table.version] }),
    index('callback_deliveries_due')
      .on(table.target, table.dueAt)
      .where(sql`${table.dueAt} is not null`),
    index('callback_deliveries_waiting')
      .on(table.target, table.at)
      .where(sql`${table.state} = 'waiting'`),
    index('callback_deliveries_dead')
      .on(table.target)
      .where(sql`${table.state} = 'dead'`),
    index('callback_deliveries_done')
      .on(table.state, table.doneAt)
      .where(sql`${table.doneAt} is not null`),
  ],
)
