/**
 * Statements that Drizzle words and better-sqlite3 runs: the tables are named in one place, and
 * what runs often is not mapped twice. Each row is read as one value, see `packed`.
 */
import type { Database } from 'better-sqlite3'
import { type Column, Param, Placeholder, type SQL, is, sql } from 'drizzle-orm'

/** What SQLite keeps as it stands: dates are milliseconds, flags 0 or 1, objects JSON text. */
export type SqliteValue = string | number | null

/** The value of each placeholder, by its name. */
export type Values<Name extends string> = Readonly<Record<Name, SqliteValue>>

/** Names a value that is given each time the statement runs. */
export type Given<Name extends string> = (name: Name) => Placeholder<Name>

/** A prepared statement. What its rows are, whoever reads them knows. */
export interface Statement<Name extends string> {
  /** How many rows were changed. */
  run(values: Values<Name>): number
  /** The first column of the first row; undefined where there is no row. */
  get(values: Values<Name>): unknown
  /** The first column of each row. */
  all(values: Values<Name>): readonly unknown[]
}

/** Any query of Drizzle's. */
interface Query {
  toSQL(): { readonly sql: string; readonly params: readonly unknown[] }
}

/**
 * The columns of a row as one JSON list, in this order: one long text crosses from SQLite to
 * JavaScript sooner than many short values do. https://www.sqlite.org/json1.html#jarray
 */
export function packed(columns: readonly (Column | SQL)[]): SQL<string> {
  return sql<string>`json_array(${sql.join([...columns], sql`, `)})`
}

/** Prepares the query, which names its values by `given`. */
export function prepare<Name extends string = never>(
  connection: Database,
  names: readonly Name[],
  query: (given: Given<Name>) => Query,
): Statement<Name> {
  const { sql: worded, params } = query((name) => sql.placeholder(name)).toSQL()
  // Into a bare `limit ?` SQLite looks, and plans the statement anew each time that it is given:
  // for a short list, half of the time it takes. https://www.sqlite.org/c3ref/prepare.html
  const source = worded.replace(/ limit \?$/, ' limit cast(? as integer)')
  const sources = params.map((param) => readParam(param, names))
  const statement = connection.prepare<[SqliteValue[]]>(source)
  if (statement.reader) statement.pluck()
  const inOrder = (values: Values<Name>): SqliteValue[] =>
    sources.map((one) => ('name' in one ? values[one.name] : one.value))
  return {
    run: (values) => statement.run(inOrder(values)).changes,
    get: (values) => statement.get(inOrder(values)),
    all: (values) => statement.all(inOrder(values)),
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
