/** Passes many rows to PostgreSQL in one statement, as one array per column. */
import { type SQL, sql } from 'drizzle-orm'
import type { PgColumn } from 'drizzle-orm/pg-core'
import { columnType } from '../postgres/parameters.ts'

type Columns = Readonly<Record<string, PgColumn>>

/** Returns an `unnest` expression with the rows, encoded and ordered by these columns. */
export function unnestRows(
  columns: Columns,
  rows: readonly Readonly<Record<string, unknown>>[],
): SQL {
  const lists = Object.entries(columns).map(([name, column]) => {
    const values = rows.map(({ [name]: value }) =>
      value === null ? null : column.mapToDriverValue(value),
    )
    return sql`${sql.param(values)}::${columnType(column)}[]`
  })
  return sql`unnest(${sql.join(lists, sql`, `)})`
}

/** Returns the column names, comma-separated and without their table. */
export function columnNames(columns: Columns): SQL {
  return sql.join(
    Object.values(columns).map(({ name }) => sql.identifier(name)),
    sql`, `,
  )
}
