/** Statements that write a new version of an upload, each with its event in one SQL statement. */
import { and, asc, eq, lte, sql } from 'drizzle-orm'
import type { NodePgDatabase } from 'drizzle-orm/node-postgres'
import { updatedColumns } from '../updated-columns.ts'
import { uploadColumns } from './columns.ts'
import { rowsParam } from './json-rows.ts'
import { param, textArrayParam } from './parameters.ts'
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
  // Has the name of the table, so that its columns can be selected.
  const minted = db.$with('uploads', {}).as(
    sql`select (minted.upload).*, minted.webhooks
      from mint_uploads(${rowsParam}, ${textArrayParam('uids')}) as minted`,
  )
  return db
    .with(minted)
    .select({ ...uploadColumns, webhooks: sql<readonly string[] | null>`webhooks` })
    .from(uploads)
    .prepare('headgate_mint')
}

/** Writes the next version, and its event if there is one. */
export function saveVersionStatement(db: NodePgDatabase) {
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
  return db.with(advanced, event).select().from(advanced).prepare('headgate_save_version')
}

/** Claims due uploads. A claimed upload is due again when the claim ends, unless it is rescheduled earlier. */
export function claimStatement(db: NodePgDatabase) {
  const due = db.$with('due').as(
    db
      .select({ dueId: uploads.id, dueAt: sql`${uploads.checkAt}`.as('due_at') })
      .from(uploads)
      .where(lte(uploads.checkAt, param('now', uploads.checkAt)))
      .orderBy(asc(uploads.checkAt))
      .limit(sql.placeholder('limit'))
      .for('update', { skipLocked: true }),
  )
  const claimed = db.$with('claimed').as(
    db
      .update(uploads)
      .set({ checkAt: param('until', uploads.checkAt) })
      .from(due)
      .where(eq(uploads.id, due.dueId))
      .returning({
        ...uploadColumns,
        dueAt: sql`due.due_at`.mapWith((value: string) => new Date(value)).as('due_at'),
      }),
  )
  return db
    .with(due, claimed)
    .select()
    .from(claimed)
    .orderBy(asc(claimed.dueAt))
    .prepare('headgate_claim_due')
}
