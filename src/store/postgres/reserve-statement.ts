/** Statement that decides about reservations and writes those that are admitted. */
import { eq, sql } from 'drizzle-orm'
import type { NodePgDatabase } from 'drizzle-orm/node-postgres'
import { entryValue, rowsOf, rowsParam } from './json-rows.ts'
import { textArrayParam } from './parameters.ts'
import { uploads } from './tables.ts'

/** Columns whose values are those of the reservation. */
export const reservedColumns = {
  id: uploads.id,
  protocol: uploads.protocol,
  creator: uploads.creator,
  name: uploads.name,
  meta: uploads.meta,
  maxDurationSeconds: uploads.maxDurationSeconds,
  maxSizeBytes: uploads.maxSizeBytes,
  allowedOrigins: uploads.allowedOrigins,
  requireSignedURLs: uploads.requireSignedURLs,
  scheduledDeletion: uploads.scheduledDeletion,
  expiresAt: uploads.expiresAt,
  createdAt: uploads.createdAt,
  requestedBy: uploads.requestedBy,
  idempotencyKey: uploads.idempotencyKey,
  fingerprint: uploads.fingerprint,
  totalBytes: uploads.totalBytes,
  tokenId: uploads.tokenId,
}

/** Values of the other columns of a reservation; those omitted are null until Stream responds. */
const otherValues = [
  [uploads.status, sql`'RESERVED'`],
  [uploads.version, sql`0`],
  [uploads.updatedAt, entryValue(uploads.createdAt)],
  [uploads.received, sql`false`],
  [uploads.reservedSeconds, entryValue(uploads.maxDurationSeconds)],
  [uploads.storedSeconds, sql`0`],
  [uploads.idleChecks, sql`0`],
] as const

/** Returns the outcome of each row: those of the SQL function `admit_reservations`. */
export function reserveStatement(db: NodePgDatabase) {
  const columns = Object.values(reservedColumns)
  const names = [...columns, ...otherValues.map(([column]) => column)].map((column) =>
    sql.identifier(column.name),
  )
  const values = [...columns.map(entryValue), ...otherValues.map(([, value]) => value)]
  const decided = db
    .$with('decided', {
      id: sql<string>`id`.as('id'),
      outcome: sql<string>`outcome`.as('outcome'),
      amount: sql`amount`.mapWith(Number).as('amount'),
    })
    .as(
      sql`select * from admit_reservations(${rowsParam}, ${textArrayParam('lockNames')}, ${textArrayParam('creators')})`,
    )
  // A reservation with this key may have been written by the previous version since the decision.
  const written = db.$with('written', { writtenId: sql<string>`written_id`.as('written_id') }).as(
    sql`insert into ${uploads} (${sql.join(names, sql`, `)})
      select ${sql.join(values, sql`, `)} from ${rowsOf(reservedColumns)}
      where entry.id = any(array(select id from decided where outcome = 'reserved'))
      on conflict (requested_by, idempotency_key) where idempotency_key is not null do nothing
      returning id as written_id`,
  )
  return db
    .with(decided, written)
    .select({
      id: decided.id,
      amount: decided.amount,
      outcome: sql<string>`case when ${decided.outcome} = 'reserved' and ${written.writtenId} is null
        then 'key-in-use' else ${decided.outcome} end`,
    })
    .from(decided)
    .leftJoin(written, eq(written.writtenId, decided.id))
    .prepare('headgate_reserve')
}
