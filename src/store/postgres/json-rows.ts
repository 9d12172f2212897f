/** Passes any number of rows to a prepared statement, as one JSON parameter. */
import { type SQL, sql } from 'drizzle-orm'
import type { PgColumn } from 'drizzle-orm/pg-core'
import { columnType } from './parameters.ts'

type Columns = Readonly<Record<string, PgColumn>>

/** Name of the parameter. */
const PARAMETER = 'rows'
export const rowsParam = sql`${sql.placeholder(PARAMETER)}::json`

/** Returns the parameter, from rows by the names of their columns in the database. */
export function encodeRows(rows: readonly object[]): Record<typeof PARAMETER, string> {
  return { [PARAMETER]: JSON.stringify(rows, withoutSurrogates) }
}

/** PostgreSQL rejects single surrogates. The driver would replace them when it encodes a text as UTF-8. */
function withoutSurrogates(_: string, value: unknown): unknown {
  return typeof value === 'string' ? value.replaceAll(/\p{Surrogate}/gu, '\uFFFD') : value
}

/** Returns the values of a row as the columns store them, by their names in the database. */
export function encodeRow(
  columns: Columns,
  values: Readonly<Record<string, unknown>>,
): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(columns).map(([property, column]) => {
      const value = values[property]
      return [column.name, value === null ? null : column.mapToDriverValue(value)]
    }),
  )
}

/** Returns the rows as a table `entry` with these columns. JSON columns are text, which keeps its escapes. */
export function rowsOf(columns: Columns): SQL {
  const types = Object.values(columns).map(
    (column) =>
      sql`${sql.identifier(column.name)} ${isJson(column) ? sql`text` : columnType(column)}`,
  )
  return sql`json_to_recordset(${rowsParam}) as entry (${sql.join(types, sql`, `)})`
}

/** Returns the value of a column of `entry`. */
export function entryValue(column: PgColumn): SQL {
  const value = sql`entry.${sql.identifier(column.name)}`
  return isJson(column) ? sql`${value}::json` : value
}

function isJson(column: PgColumn): boolean {
  return column.getSQLType() === 'json'
}
