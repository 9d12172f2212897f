/** Writes a batch of rows with their events into PostgreSQL, all or nothing. */
import { type SQL, sql } from 'drizzle-orm'
import type { NodePgDatabase } from 'drizzle-orm/node-postgres'
import type { PgColumn } from 'drizzle-orm/pg-core'
import { uploadEvents, uploads } from '../postgres/tables.ts'
import { type MovedBatch, type MovedUpload, eventColumns, uploadColumns } from './copied-columns.ts'
import { namesOf, unnestRows } from './unnest-rows.ts'

/**
 * What is there already is overwritten where the source has the same version or a newer one, and is
 * not touched where nothing of it differs. Tallies follow by the triggers of the target.
 */
export async function copyBatch(db: NodePgDatabase, batch: MovedBatch): Promise<void> {
  const rows = withKeysOnce(batch.uploads)
  await db.transaction(async (transaction) => {
    await transaction.execute(freeKeys(rows))
    await transaction.execute(writeUploads(rows))
    if (batch.events.length > 0) await transaction.execute(writeEvents(batch))
  })
}

/** A key may have gone from one row to another since it was copied, or before: it is for the newer. */
function freeKeys(rows: readonly MovedUpload[]): SQL {
  const { id, requestedBy, idempotencyKey } = uploadColumns
  const columns = { id, requestedBy, idempotencyKey }
  const wanted = unnestRows(
    columns,
    rows.filter((row) => row.idempotencyKey !== null),
  )
  return sql`
    update ${uploads} set idempotency_key = null from ${wanted} as wanted (id, requested_by, key)
    where ${requestedBy} = wanted.requested_by and ${idempotencyKey} = wanted.key
      and ${id} <> wanted.id`
}

/**
 * Two keys that differ in what PostgreSQL does not keep are one there: the newer upload has it. Ids
 * are in the order of time.
 */
function withKeysOnce(rows: readonly MovedUpload[]): readonly MovedUpload[] {
  const { requestedBy, idempotencyKey } = uploadColumns
  const placeOf = (row: MovedUpload): string =>
    JSON.stringify([
      requestedBy.mapToDriverValue(row.requestedBy),
      row.idempotencyKey === null ? null : idempotencyKey.mapToDriverValue(row.idempotencyKey),
    ])
  const holders = new Map(rows.map((row) => [placeOf(row), row.id]))
  return rows.map((row) =>
    row.idempotencyKey === null || holders.get(placeOf(row)) === row.id
      ? row
      : { ...row, idempotencyKey: null },
  )
}

function writeUploads(rows: readonly MovedUpload[]): SQL {
  const columns = Object.values(uploadColumns)
  const assigned = columns.map(({ name }) => sql`${sql.identifier(name)} = ${excluded(name)}`)
  const before = columns.map((column) => comparable(column, sql`${column}`))
  const given = columns.map((column) => comparable(column, excluded(column.name)))
  return sql`
    insert into ${uploads} (${namesOf(uploadColumns)})
    select * from ${unnestRows(uploadColumns, rows)}
    on conflict (id) do update set ${commas(assigned)}
    where excluded.version >= ${uploads.version}
      and (${commas(before)}) is distinct from (${commas(given)})`
}

/** What was recorded once never changes. */
function writeEvents({ events }: MovedBatch): SQL {
  return sql`
    insert into ${uploadEvents} (${namesOf(eventColumns)})
    select * from ${unnestRows(eventColumns, events)}
    on conflict (upload_id, version) do nothing`
}

function excluded(name: string): SQL {
  return sql`excluded.${sql.identifier(name)}`
}

/** JSON that is kept as it came is equal where its text is. */
function comparable(column: PgColumn, value: SQL): SQL {
  return column.getSQLType() === 'json' ? sql`${value}::text` : value
}

function commas(parts: readonly SQL[]): SQL {
  return sql.join([...parts], sql`, `)
}
