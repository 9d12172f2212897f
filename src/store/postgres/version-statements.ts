/** Statements that write a new version of an upload, each with its event in one SQL statement. */
import { and, asc, eq, lte, sql } from 'drizzle-orm'
import type { NodePgDatabase } from 'drizzle-orm/node-postgres'
import { updatedColumns } from '../updated-columns.ts'
import { uploadColumns } from './columns.ts'
import { entryValue, rowsOf } from './json-rows.ts'
import { param, textArrayParam } from './parameters.ts'
import { uploadEvents, uploads } from './tables.ts'

/** Columns of a reservation that becomes an upload. `updatedAt` is the time of its first event too. */
export const mintedColumns = {
  id: uploads.id,
  uid: uploads.uid,
  uploadURL: uploads.uploadURL,
  updatedAt: uploads.updatedAt,
  checkAt: uploads.checkAt,
}

/**
 * Turns each reservation of the rows into an upload, writes its first event, and reads the webhooks stored for
 * its uid. Returns no row for a reservation that no longer exists.
 */
export function mintStatement(db: NodePgDatabase) {
  const { uid, uploadURL, updatedAt, checkAt } = mintedColumns
  const minted = db.$with('minted').as(
    db
      .update(uploads)
      .set({
        uid: entryValue(uid),
        uploadURL: entryValue(uploadURL),
        status: 'PENDING_UPLOAD',
        version: 1,
        updatedAt: entryValue(updatedAt),
        checkAt: entryValue(checkAt),
      })
      .from(rowsOf(mintedColumns))
      .where(and(eq(uploads.id, entryValue(uploads.id)), eq(uploads.status, sql`'RESERVED'`)))
      .returning(uploadColumns),
  )
  const event = db.$with('event').as(
    db
      .insert(uploadEvents)
      .select(sql`select id, 1, 'PENDING_UPLOAD', 'MUTATION', updated_at from minted`)
      .returning({ uploadId: uploadEvents.uploadId }),
  )
  return db
    .with(minted, event)
    .select({
      ...minted._.selectedFields,
      webhooks: sql<readonly string[] | null>`webhooks`,
    })
    .from(minted)
    .leftJoin(sql`webhooks_stored_for(${textArrayParam('uids')})`, sql`webhook_uid = ${minted.uid}`)
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
