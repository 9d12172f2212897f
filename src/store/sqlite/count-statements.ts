/** Statements that count uploads and sum their seconds. Shared by the SQLite and D1 adapters. */
import { and, eq, sql } from 'drizzle-orm'
import { type NamedParam, type RowShape, db, defineStatement } from './define-statement.ts'
import { uploadTotals, uploads } from './tables.ts'

/** Expands a list passed as JSON, so that one prepared statement serves lists of any length. */
export function jsonList<Name extends string>(param: NamedParam<Name>, name: Name) {
  return sql`(select value from json_each(${param(name)}))`
}

/** Sum over the selected rows; 0 without rows. */
function total(column: 'uploads' | 'reservedSeconds' | 'storedSeconds') {
  return sql`coalesce(sum(${uploadTotals[column]}), 0)`
}

/** Uploads and pending reservations. Nothing was minted for a retired one. */
export function countByTokenStatement<Name extends string>(param: NamedParam<Name | 'tokenId'>) {
  return db
    .select({ count: sql`count(*)` })
    .from(uploads)
    .where(and(eq(uploads.tokenId, param('tokenId')), sql`${uploads.status} <> 'RETIRED'`))
}

/** @param rowOf select list that the adapter reads its rows from */
export function defineCountStatements(rowOf: RowShape) {
  return {
    countByToken: defineStatement(['tokenId'], countByTokenStatement),
    // Totals: at most one row per status and protocol, for each creator and for all creators together.
    quotaUsage: defineStatement(['creator'], (param) =>
      db
        .select(rowOf([total('reservedSeconds'), total('storedSeconds')]))
        .from(uploadTotals)
        .where(eq(uploadTotals.creator, param('creator'))),
    ),
    count: defineStatement(['creator', 'statuses', 'protocols'], (param) =>
      db
        .select({ count: total('uploads') })
        .from(uploadTotals)
        .where(
          and(
            eq(uploadTotals.creator, param('creator')),
            sql`${uploadTotals.status} in ${jsonList(param, 'statuses')}`,
            sql`${uploadTotals.protocol} in ${jsonList(param, 'protocols')}`,
          ),
        ),
    ),
    countByStatus: defineStatement(['creator'], (param) =>
      db
        .select(rowOf([uploadTotals.status, total('uploads')]))
        .from(uploadTotals)
        .where(eq(uploadTotals.creator, param('creator')))
        .groupBy(uploadTotals.status),
    ),
    // The status is a literal, so that SQLite counts the entries of a partial index.
    countReservations: defineStatement([], () =>
      db
        .select({ count: sql`count(*)` })
        .from(uploads)
        .where(sql`${uploads.status} = 'RESERVED'`),
    ),
  }
}
