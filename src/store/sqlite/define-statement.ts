/**
 * Defines statements with Drizzle as SQL text and parameter order. The SQLite and D1 adapters execute them
 * directly, which avoids Drizzle's mapping at run time.
 */
import { type Column, Param, Placeholder, type SQL, is, sql } from 'drizzle-orm'
import type { SQLiteColumn } from 'drizzle-orm/sqlite-core'
import { drizzle } from 'drizzle-orm/sqlite-proxy'

/** SQLite values: dates are milliseconds since 1970, flags 0 or 1, objects JSON text. */
export type SqliteValue = string | number | null

/** The value of each placeholder, by name. */
export type Values<Name extends string> = Readonly<Record<Name, SqliteValue>>

/** Creates the placeholder of a parameter that is bound at each execution. */
export type NamedParam<Name extends string> = (name: Name) => Placeholder<Name>

/** SQL text and parameter order of a statement. The caller knows the shape of its rows. */
export interface StatementDefinition<Name extends string> {
  /** SQL text with one question mark per parameter. */
  readonly source: string
  /** Returns the values in the order of the question marks. */
  bind(values: Values<Name>): SqliteValue[]
}

/** Builds the select list for these columns, in this order. */
export type RowShape = (
  columns: readonly (SQLiteColumn | SQL)[],
) => Readonly<Record<string, SQLiteColumn | SQL>>

/** Query builder without a connection; executing a query rejects. */
export const db = drizzle(() => Promise.reject(new Error('This Drizzle instance only builds SQL.')))

/** Any Drizzle query. */
interface Query {
  toSQL(): { readonly sql: string; readonly params: readonly unknown[] }
}

/**
 * Selects the columns as one JSON list, in this order. One long string crosses from SQLite to JavaScript
 * faster than many short values. https://www.sqlite.org/json1.html#jarray
 */
export function packedRow(columns: readonly (Column | SQL)[]): { readonly row: SQL<string> } {
  return { row: sql<string>`json_array(${sql.join([...columns], sql`, `)})` }
}

/** Converts a Drizzle query into a statement definition. `query` creates its placeholders with `param`. */
export function defineStatement<Name extends string = never>(
  names: readonly Name[],
  query: (param: NamedParam<Name>) => Query,
): StatementDefinition<Name> {
  const { sql: text, params } = query((name) => sql.placeholder(name)).toSQL()
  // SQLite reads the value of a bare `limit ?` and plans the statement again at each execution. For a short
  // list, that is half of its run time. https://www.sqlite.org/c3ref/prepare.html
  const statement = text.replaceAll(/ limit \?/g, ' limit cast(? as integer)')
  const sources = params.map((param) => readParam(param, names))
  return {
    source: statement,
    bind: (values) =>
      sources.map((source) => ('name' in source ? values[source.name] : source.value)),
  }
}

/** Source of one parameter: a named value or a constant. */
type Source<Name extends string> = { readonly name: Name } | { readonly value: SqliteValue }

/** Throws for unknown names. Column encoders are skipped, because values are already SQLite values. */
function readParam<Name extends string>(param: unknown, names: readonly Name[]): Source<Name> {
  const value: unknown = is(param, Param) ? param.value : param
  if (is(value, Placeholder)) {
    const name = names.find((known) => known === value.name)
    if (name === undefined) throw new Error(`Missing statement parameter: ${value.name}.`)
    return { name }
  }
  if (value === null || typeof value === 'string' || typeof value === 'number') {
    return { value }
  }
  throw new Error(`Unsupported type of a statement parameter: ${typeof value}`)
}
