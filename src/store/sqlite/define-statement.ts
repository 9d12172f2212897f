/**
 * Statements as Drizzle words them, for whoever runs them: the tables are named in one place, and
 * what runs often is not mapped twice.
 */
import { type Column, Param, Placeholder, type SQL, is, sql } from 'drizzle-orm'
import type { SQLiteColumn } from 'drizzle-orm/sqlite-core'
import { drizzle } from 'drizzle-orm/sqlite-proxy'

/** What SQLite keeps as it stands: dates are milliseconds, flags 0 or 1, objects JSON text. */
export type SqliteValue = string | number | null

/** The value of each placeholder, by its name. */
export type Values<Name extends string> = Readonly<Record<Name, SqliteValue>>

/** Names a value that is given each time the statement runs. */
export type Given<Name extends string> = (name: Name) => Placeholder<Name>

/** A statement in words. What its rows are, whoever reads them knows. */
export interface Worded<Name extends string> {
  /** With a question mark for each value. */
  readonly source: string
  /** The values in the order of the question marks. */
  inOrder(values: Values<Name>): SqliteValue[]
}

/** How a row with these columns, in this order, is asked for. */
export type RowOf = (
  columns: readonly (SQLiteColumn | SQL)[],
) => Readonly<Record<string, SQLiteColumn | SQL>>

/** Words queries, and has no database to ask. */
export const db = drizzle(() => Promise.reject(new Error('What only words asks nothing.')))

/** Any query of Drizzle's. */
interface Query {
  toSQL(): { readonly sql: string; readonly params: readonly unknown[] }
}

/**
 * The columns of a row as one JSON list, in this order: one long text crosses from SQLite to
 * JavaScript sooner than many short values do. https://www.sqlite.org/json1.html#jarray
 */
export function packed(columns: readonly (Column | SQL)[]): { readonly row: SQL<string> } {
  return { row: sql<string>`json_array(${sql.join([...columns], sql`, `)})` }
}

/** Words the query, which names its values by `given`. */
export function word<Name extends string = never>(
  names: readonly Name[],
  query: (given: Given<Name>) => Query,
): Worded<Name> {
  const { sql: worded, params } = query((name) => sql.placeholder(name)).toSQL()
  // Into a bare `limit ?` SQLite looks, and plans the statement anew each time that it is given:
  // for a short list, half of the time it takes. https://www.sqlite.org/c3ref/prepare.html
  const source = worded.replaceAll(/ limit \?/g, ' limit cast(? as integer)')
  const sources = params.map((param) => readParam(param, names))
  return {
    source,
    inOrder: (values) => sources.map((one) => ('name' in one ? values[one.name] : one.value)),
  }
}

/** Where the value in one place of the statement comes from: given by name, or always the same. */
type Source<Name extends string> = { readonly name: Name } | { readonly value: SqliteValue }

/** What a column would make of a given value is left out: it is given as SQLite keeps it. */
function readParam<Name extends string>(param: unknown, names: readonly Name[]): Source<Name> {
  const given: unknown = is(param, Param) ? param.value : param
  if (is(given, Placeholder)) {
    const name = names.find((one) => one === given.name)
    if (name === undefined) throw new Error(`A statement wants ${given.name}, which nobody gives.`)
    return { name }
  }
  if (given === null || typeof given === 'string' || typeof given === 'number') {
    return { value: given }
  }
  throw new Error(`A statement has a value of a kind that SQLite does not keep: ${typeof given}`)
}
