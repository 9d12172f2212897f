/** Values that are given each time a prepared statement runs. */
import { type SQL, sql } from 'drizzle-orm'
import type { PgColumn } from 'drizzle-orm/pg-core'
import { storable } from '../../postgres/replace-nul.ts'

/** A value by its name, written as this column writes it, and of its type; or null. */
export function given(name: string, column: PgColumn): SQL {
  // A column is asked to write what it can hold, and null is nothing that one writes.
  const mapToDriverValue = (value: unknown): unknown =>
    value === null ? null : column.mapToDriverValue(value)
  return sql`${sql.param(sql.placeholder(name), { mapToDriverValue })}::${typeOf(column)}`
}

/** The column's type as a value is cast to it. */
export function typeOf(column: PgColumn): SQL {
  return sql.raw(column.getSQLType().replace(/ collate .*/, ''))
}

const texts = {
  mapToDriverValue: (values: unknown): string[] =>
    Array.isArray(values) ? values.map((value) => storable(String(value))) : [],
}

/** A list of texts by its name, of any length. */
export function givenTexts(name: string): SQL {
  return sql`${sql.param(sql.placeholder(name), texts)}::text[]`
}

/** Whether the column is one of a list of texts. */
export function listed(column: PgColumn, name: string): SQL {
  return sql`${column} = any(${givenTexts(name)})`
}
