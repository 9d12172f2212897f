/** Prepares statement definitions with better-sqlite3. */
import type { Database } from 'better-sqlite3'
import { guarded } from './failures.ts'
import type { SqliteValue, Values, StatementDefinition } from './define-statement.ts'

/**
 * A prepared statement. The caller knows the shape of its rows. Throws `StoreUnavailable` if the file or its
 * disk fails.
 */
export interface Statement<Name extends string> {
  /** Returns the number of changed rows. */
  run(values: Values<Name>): number
  /** Returns the first column of the first row; undefined without a row. */
  get(values: Values<Name>): unknown
  /** Returns the first column of each row. */
  all(values: Values<Name>): readonly unknown[]
}

/** The statements of a set of definitions, by name. */
export type Prepared<Definitions> = {
  readonly [Key in keyof Definitions]: Definitions[Key] extends StatementDefinition<infer Name>
    ? Statement<Name>
    : never
}

export function prepare<Name extends string>(
  connection: Database,
  definition: StatementDefinition<Name>,
): Statement<Name> {
  const statement = connection.prepare<[SqliteValue[]]>(definition.source)
  if (statement.reader) statement.pluck()
  return {
    run: (values) => guarded(() => statement.run(definition.bind(values)).changes),
    get: (values) => guarded(() => statement.get(definition.bind(values))),
    all: (values) => guarded(() => statement.all(definition.bind(values))),
  }
}

export function prepareStatements<
  Definitions extends Readonly<Record<string, StatementDefinition<string>>>,
>(connection: Database, definitions: Definitions): Prepared<Definitions> {
  const prepared = Object.fromEntries(
    Object.entries(definitions).map(([name, definition]) => [
      name,
      prepare(connection, definition),
    ]),
  )
  if (!isPrepared(definitions, prepared)) throw new Error('Statement not prepared.')
  return prepared
}

function isPrepared<Definitions extends object>(
  definitions: Definitions,
  prepared: object,
): prepared is Prepared<Definitions> {
  return Object.keys(definitions).every((name) => name in prepared)
}
