/** Removes reservations that were copied before and that the source has given up since. */
import { and, asc, gt, inArray, sql } from 'drizzle-orm'
import type { NodePgDatabase } from 'drizzle-orm/node-postgres'
import { uploads } from '../postgres/tables.ts'
import { isReservation } from './census.ts'
import type { UploadSource } from './open-source.ts'

const IDS_AT_A_TIME = 1000

/**
 * Says how many uploads the target has of its own, which a source never loses: a gateway has worked on
 * it. Then a reservation may be that gateway's, and none is removed.
 */
export async function removeGone(db: NodePgDatabase, source: UploadSource): Promise<number> {
  const gone: string[] = []
  let own = 0
  let after = ''
  for (;;) {
    const rows = await db
      .select({ id: uploads.id, status: uploads.status })
      .from(uploads)
      .where(gt(uploads.id, after))
      .orderBy(asc(uploads.id))
      .limit(IDS_AT_A_TIME)
    const last = rows.at(-1)
    if (last === undefined) break
    const known = source.known(rows.map(({ id }) => id))
    for (const { id, status } of rows) {
      if (known.has(id)) continue
      if (isReservation(status)) gone.push(id)
      else own += 1
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
