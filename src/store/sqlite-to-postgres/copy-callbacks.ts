/** Copies the outbox of callbacks, so that what waits is sent by the gateways on the target. */
import type { NodePgDatabase } from 'drizzle-orm/node-postgres'
import { sql } from 'drizzle-orm'
import { callbackDeliveries, callbackEvents } from '../postgres/callback-tables.ts'
import { callbackEventColumns, deliveryColumns } from './copied-columns.ts'
import type { UploadSource } from './sqlite-source.ts'
import { columnNames, unnestRows } from './unnest-rows.ts'

/** Smaller than for uploads, because bodies are longer than rows. */
const EVENTS_PER_BATCH = 200
const DELIVERIES_PER_BATCH = 1000

/**
 * @param replaceAll whether to delete what an earlier copy wrote: deliveries may have been made or deleted since. Not
 * after a gateway has used the target, which may have made some of them.
 */
export async function copyCallbacks(
  db: NodePgDatabase,
  source: UploadSource,
  replaceAll: boolean,
): Promise<void> {
  if (replaceAll) {
    await db.delete(callbackDeliveries)
    await db.delete(callbackEvents)
  }
  await forAll(
    (after) => source.callbackEventsAfter(after, EVENTS_PER_BATCH),
    (rows) =>
      db.execute(sql`
        insert into ${callbackEvents} (${columnNames(callbackEventColumns)})
        select * from ${unnestRows(callbackEventColumns, rows)} on conflict do nothing`),
  )
  await forAll(
    (after) => source.deliveriesAfter(after, DELIVERIES_PER_BATCH),
    (rows) =>
      db.execute(sql`
        insert into ${callbackDeliveries} (${columnNames(deliveryColumns)})
        select * from ${unnestRows(deliveryColumns, rows)} on conflict do nothing`),
  )
}

/** Reads and writes all rows, batch by batch in the order of their row ids. */
async function forAll<Row extends { readonly rowid: number }>(
  read: (after: number) => readonly Row[],
  write: (rows: readonly Row[]) => Promise<unknown>,
): Promise<void> {
  let after = 0
  for (;;) {
    const rows = read(after)
    const last = rows.at(-1)
    if (last === undefined) return
    await write(rows)
    after = last.rowid
  }
}
