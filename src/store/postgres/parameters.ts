/** Parameters of prepared statements. */
import { type SQL, sql } from 'drizzle-orm'
import type { PgColumn } from 'drizzle-orm/pg-core'
import { replaceNul } from '../../postgres/replace-nul.ts'

/** Returns a named parameter that is encoded and cast like this column; nullable. */
export function param(name: string, column: PgColumn): SQL {
  // Column encoders do not accept null.
  const mapToDriverValue = (value: unknown): unknown =>
    value === null ? null : column.mapToDriverValue(value)
  return sql`${sql.param(sql.placeholder(name), { mapToDriverValue })}::${columnType(column)}`
}

/** Returns the column's type for casts, without its collation. */
export function columnType(column: PgColumn): SQL {
  return sql.raw(column.getSQLType().replace(/ collate .*/, ''))
}

const texts = {
  mapToDriverValue: (values: unknown): string[] =>
    Array.isArray(values) ? values.map((value) => replaceNul(String(value))) : [],
}

/** Returns a named parameter that is a text array of any length. */
export function textArrayParam(name: string): SQL {
  return sql`${sql.param(sql.placeholder(name), texts)}::text[]`
}

/** Returns the condition that the column equals an element of a text array. */
export function isAnyOf(column: PgColumn, name: string): SQL {
  return sql`${column} = any(${textArrayParam(name)})`
}
