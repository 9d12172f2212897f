/** Writes a batch of rows with their events into PostgreSQL, all or nothing. */
import { type SQL, sql } from 'drizzle-orm'
import type { NodePgDatabase } from 'drizzle-orm/node-postgres'
import type { PgColumn } from 'drizzle-orm/pg-core'
import { uploadEvents, uploads } from '../postgres/tables.ts'
import {
  type CopiedBatch,
  type CopiedUpload,
  eventColumns,
  uploadColumns,
} from './copied-columns.ts'
import { columnNames, unnestRows } from './unnest-rows.ts'

/**
 * Overwrites an existing row if the source has the same or a newer version; leaves identical rows untouched.
 * Triggers of the target update the totals.
 */
export async function copyBatch(db: NodePgDatabase, batch: CopiedBatch): Promise<void> {
  const rows = withKeysOnce(batch.uploads)
  await db.transaction(async (transaction) => {
    await transaction.execute(clearConflictingKeys(rows))
    await transaction.execute(writeUploads(rows))
    if (batch.events.length > 0) await transaction.execute(writeEvents(batch))
  })
}

/** Clears keys held by other rows. A key may have moved to a newer row since the last copy. */
function clearConflictingKeys(rows: readonly CopiedUpload[]): SQL {
  const { id, requestedBy, idempotencyKey } = uploadColumns
  const columns = { id, requestedBy, idempotencyKey }
  const copiedKeys = unnestRows(
    columns,
    rows.filter((row) => row.idempotencyKey !== null),
  )
  return sql`
    update ${uploads} set idempotency_key = null from ${copiedKeys} as copied (id, requested_by, key)
    where ${requestedBy} = copied.requested_by and ${idempotencyKey} = copied.key
      and ${id} <> copied.id`
}

/**
 * Keeps each key on its newest row only. Two keys may become equal, because PostgreSQL cannot store all
 * characters. Ids are in order of creation.
 */
function withKeysOnce(rows: readonly CopiedUpload[]): readonly CopiedUpload[] {
  const { requestedBy, idempotencyKey } = uploadColumns
  const keyOf = (row: CopiedUpload): string =>
    JSON.stringify([
      requestedBy.mapToDriverValue(row.requestedBy),
      row.idempotencyKey === null ? null : idempotencyKey.mapToDriverValue(row.idempotencyKey),
    ])
  const lastIdByKey = new Map(rows.map((row) => [keyOf(row), row.id]))
  return rows.map((row) =>
    row.idempotencyKey === null || lastIdByKey.get(keyOf(row)) === row.id
      ? row
      : { ...row, idempotencyKey: null },
  )
}

function writeUploads(rows: readonly CopiedUpload[]): SQL {
  const columns = Object.values(uploadColumns)
  const assigned = columns.map(({ name }) => sql`${sql.identifier(name)} = ${excluded(name)}`)
  const current = columns.map((column) => comparable(column, sql`${column}`))
  const incoming = columns.map((column) => comparable(column, excluded(column.name)))
  return sql`
    insert into ${uploads} (${columnNames(uploadColumns)})
    select * from ${unnestRows(uploadColumns, rows)}
    on conflict (id) do update set ${commas(assigned)}
    where excluded.version >= ${uploads.version}
      and (${commas(current)}) is distinct from (${commas(incoming)})`
}

/** Existing events are skipped: events never change. */
function writeEvents({ events }: CopiedBatch): SQL {
  return sql`
    insert into ${uploadEvents} (${columnNames(eventColumns)})
    select * from ${unnestRows(eventColumns, events)}
    on conflict (upload_id, version) do nothing`
}

function excluded(name: string): SQL {
  return sql`excluded.${sql.identifier(name)}`
}

/** Compares `json` columns by their text, which PostgreSQL stores as received. */
function comparable(column: PgColumn, value: SQL): SQL {
  return column.getSQLType() === 'json' ? sql`${value}::text` : value
}

function commas(fragments: readonly SQL[]): SQL {
  return sql.join([...fragments], sql`, `)
}
