/** Removes reservations that were copied before and that the source has given up since. */
import { and, asc, gt, inArray, sql } from 'drizzle-orm'
import type { NodePgDatabase } from 'drizzle-orm/node-postgres'
import { uploads } from '../postgres/tables.ts'
import { isReservation } from './summary.ts'
import type { UploadSource } from './sqlite-source.ts'

const IDS_AT_A_TIME = 1000

/**
 * Says how many uploads only the target has, or has in a newer version than the source: a gateway has
 * worked on it. Then a reservation may be that gateway's, and none is removed.
 */
export async function removeGone(db: NodePgDatabase, source: UploadSource): Promise<number> {
  const gone: string[] = []
  let own = 0
  let after = ''
  for (;;) {
    const rows = await db
      .select({ id: uploads.id, status: uploads.status, version: uploads.version })
      .from(uploads)
      .where(gt(uploads.id, after))
      .orderBy(asc(uploads.id))
      .limit(IDS_AT_A_TIME)
    const last = rows.at(-1)
    if (last === undefined) break
    const versions = source.versionsOf(rows.map(({ id }) => id))
    for (const { id, status, version } of rows) {
      const inSource = versions.get(id)
      if (inSource === undefined && isReservation(status)) gone.push(id)
      else if (inSource === undefined || version > inSource) own += 1
    }
    after = last.id
  }
  if (own > 0 || gone.length === 0) return own
  await db
    .delete(uploads)
    .where(
      and(
        inArray(uploads.status, ['RESERVED', 'RETIRED']),
        sql`${uploads.id} = any(${sql.param(gone)}::text[])`,
      ),
    )
  return own
}
