/** Deletes reservations that the source released since the last copy. */
import { and, asc, gt, inArray, sql } from 'drizzle-orm'
import type { NodePgDatabase } from 'drizzle-orm/node-postgres'
import { uploads } from '../postgres/tables.ts'
import { isReservation } from './summary.ts'
import type { UploadSource } from './sqlite-source.ts'

const IDS_PER_BATCH = 1000

/**
 * Returns the number of uploads that only the target has, or has in a newer version. If there are any, a
 * gateway has written to the target: its reservations may be current, and none is deleted.
 */
export async function deleteStaleReservations(
  db: NodePgDatabase,
  source: UploadSource,
): Promise<number> {
  const stale: string[] = []
  let newerInTarget = 0
  let after = ''
  for (;;) {
    const rows = await db
      .select({ id: uploads.id, status: uploads.status, version: uploads.version })
      .from(uploads)
      .where(gt(uploads.id, after))
      .orderBy(asc(uploads.id))
      .limit(IDS_PER_BATCH)
    const last = rows.at(-1)
    if (last === undefined) break
    const versions = source.versionsOf(rows.map(({ id }) => id))
    for (const { id, status, version } of rows) {
      const inSource = versions.get(id)
      if (inSource === undefined && isReservation(status)) stale.push(id)
      else if (inSource === undefined || version > inSource) newerInTarget += 1
    }
    after = last.id
  }
  if (newerInTarget > 0 || stale.length === 0) return newerInTarget
  await db
    .delete(uploads)
    .where(
      and(
        inArray(uploads.status, ['RESERVED', 'RETIRED']),
        sql`${uploads.id} = any(${sql.param(stale)}::text[])`,
      ),
    )
  return newerInTarget
}
