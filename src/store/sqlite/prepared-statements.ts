/** Makes worded statements ready to be run by better-sqlite3. */
import type { Database } from 'better-sqlite3'
import { guarded } from './failures.ts'
import type { SqliteValue, Values, Worded } from './define-statement.ts'

/**
 * A prepared statement. What its rows are, whoever reads them knows. Throws `StoreUnavailable` where
 * the file or its disk fails.
 */
export interface Statement<Name extends string> {
  /** How many rows were changed. */
  run(values: Values<Name>): number
  /** The first column of the first row; undefined where there is no row. */
  get(values: Values<Name>): unknown
  /** The first column of each row. */
  all(values: Values<Name>): readonly unknown[]
}

/** Each of many worded statements, prepared, by its own name. */
export type Prepared<Words> = {
  readonly [Key in keyof Words]: Words[Key] extends Worded<infer Name> ? Statement<Name> : never
}

export function prepare<Name extends string>(
  connection: Database,
  worded: Worded<Name>,
): Statement<Name> {
  const statement = connection.prepare<[SqliteValue[]]>(worded.source)
  if (statement.reader) statement.pluck()
  return {
    run: (values) => guarded(() => statement.run(worded.inOrder(values)).changes),
    get: (values) => guarded(() => statement.get(worded.inOrder(values))),
    all: (values) => guarded(() => statement.all(worded.inOrder(values))),
  }
}

export function prepareAll<Words extends Readonly<Record<string, Worded<string>>>>(
  connection: Database,
  words: Words,
): Prepared<Words> {
  const prepared = Object.fromEntries(
    Object.entries(words).map(([name, worded]) => [name, prepare(connection, worded)]),
  )
  if (!isPrepared(words, prepared)) throw new Error('A statement is not prepared.')
  return prepared
}

function isPrepared<Words extends object>(
  words: Words,
  prepared: object,
): prepared is Prepared<Words> {
  return Object.keys(words).every((name) => name in prepared)
}
