/** Gives PostgreSQL many rows in one statement: a list for each column, whatever the number of rows. */
import { type SQL, sql } from 'drizzle-orm'
import type { PgColumn } from 'drizzle-orm/pg-core'
import { typeOf } from '../postgres/parameters.ts'

type Columns = Readonly<Record<string, PgColumn>>

/** The rows, to be selected from, their values in the order of the columns and written as these do. */
export function unnestRows(
  columns: Columns,
  rows: readonly Readonly<Record<string, unknown>>[],
): SQL {
  const lists = Object.entries(columns).map(([name, column]) => {
    const values = rows.map(({ [name]: value }) =>
      value === null ? null : column.mapToDriverValue(value),
    )
    return sql`${sql.param(values)}::${typeOf(column)}[]`
  })
  return sql`unnest(${sql.join(lists, sql`, `)})`
}

/** The names of the columns, as a list of their own table. */
export function namesOf(columns: Columns): SQL {
  return sql.join(
    Object.values(columns).map(({ name }) => sql.identifier(name)),
    sql`, `,
  )
}
