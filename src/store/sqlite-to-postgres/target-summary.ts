/** Counts what PostgreSQL holds, at one moment. */
import { count, eq, sum } from 'drizzle-orm'
import type { NodePgDatabase } from 'drizzle-orm/node-postgres'
import { EVERYBODY, keptNotices, uploadCounts, uploadEvents, uploads } from '../postgres/tables.ts'
import type { Census } from './summary.ts'

/** Rows one by one; seconds as gateways take them, from the tallies. */
export function countTarget(db: NodePgDatabase): Promise<Census> {
  return db.transaction(
    async (at) => {
      const rows = await at
        .select({
          status: uploads.status,
          rows: count(),
          versions: sum(uploads.version).mapWith(Number),
        })
        .from(uploads)
        .groupBy(uploads.status)
      const [held] = await at
        .select({
          reserved: sum(uploadCounts.reservedSeconds).mapWith(Number),
          stored: sum(uploadCounts.storedSeconds).mapWith(Number),
        })
        .from(uploadCounts)
        .where(eq(uploadCounts.creator, EVERYBODY))
      return {
        rows: new Map(rows.map((one) => [one.status, one.rows])),
        versions: rows.reduce((total, { versions }) => total + versions, 0),
        events: await at.$count(uploadEvents),
        notices: await at.$count(keptNotices),
        reservedSeconds: held?.reserved ?? 0,
        storedSeconds: held?.stored ?? 0,
      }
    },
    { isolationLevel: 'repeatable read', accessMode: 'read only' },
  )
}
