/** Summarizes the PostgreSQL target from one snapshot. */
import { count, eq, sum } from 'drizzle-orm'
import type { NodePgDatabase } from 'drizzle-orm/node-postgres'
import {
  ALL_CREATORS,
  unmatchedWebhooks,
  currentUploadTotals,
  uploadEvents,
  uploads,
} from '../postgres/tables.ts'
import { callbackDeliveries } from '../postgres/callback-tables.ts'
import type { StoreSummary } from './summary.ts'

/** Counts rows one by one, but reads seconds from the totals, as gateways do. */
export function summarizeTarget(db: NodePgDatabase): Promise<StoreSummary> {
  return db.transaction(
    async (transaction) => {
      const rows = await transaction
        .select({
          status: uploads.status,
          rows: count(),
          versions: sum(uploads.version).mapWith(Number),
        })
        .from(uploads)
        .groupBy(uploads.status)
      const [held] = await transaction
        .select({
          reserved: sum(currentUploadTotals.reservedSeconds).mapWith(Number),
          stored: sum(currentUploadTotals.storedSeconds).mapWith(Number),
        })
        .from(currentUploadTotals)
        .where(eq(currentUploadTotals.creator, ALL_CREATORS))
      return {
        rows: new Map(rows.map((row) => [row.status, row.rows])),
        versions: rows.reduce((total, { versions }) => total + versions, 0),
        events: await transaction.$count(uploadEvents),
        webhooks: await transaction.$count(unmatchedWebhooks),
        callbacks: await transaction.$count(callbackDeliveries),
        reservedSeconds: held?.reserved ?? 0,
        storedSeconds: held?.stored ?? 0,
      }
    },
    { isolationLevel: 'repeatable read', accessMode: 'read only' },
  )
}
