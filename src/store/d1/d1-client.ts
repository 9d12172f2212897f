/** Executes queries on Cloudflare D1 and classifies its errors. */
import { StoreUnavailable } from '../../uploads/ports/store-unavailable.ts'
import type { SqliteValue, Values, StatementDefinition } from '../sqlite/define-statement.ts'
import { isUnavailable, safeMessage } from './errors.ts'

/** The D1 binding of a Worker. https://developers.cloudflare.com/d1/worker-api/d1-database/ */
export interface D1Database {
  prepare(query: string): D1Statement
  /** Executes the statements in order, in one transaction. */
  batch(statements: D1Statement[]): Promise<D1Result[]>
}

export interface D1Statement {
  bind(...values: SqliteValue[]): D1Statement
  /** Returns each row as a list of values; empty for statements that only write. */
  raw(): Promise<unknown[][]>
}

export interface D1Result {
  /** Each row as an object, its columns in select order. */
  readonly results: readonly object[]
}

/** The values of a row, in column order. */
export type Row = readonly unknown[]

/** SQL text with its bound values. */
export interface Query {
  readonly source: string
  readonly values: SqliteValue[]
}

/**
 * Sends queries to the database, one round trip per call. Rejects with `StoreUnavailable` if D1 is
 * unavailable. All errors are stripped of bound values.
 */
export interface D1Client {
  readonly rows: (query: Query) => Promise<readonly Row[]>
  /** Executes the queries in one transaction, all or nothing. Returns the rows of each. */
  readonly batch: (queries: readonly Query[]) => Promise<readonly (readonly Row[])[]>
  /** Rejects all later calls. */
  readonly close: () => void
}

export function bindQuery<Name extends string>(
  definition: StatementDefinition<Name>,
  values: Values<Name>,
): Query {
  return { source: definition.source, values: definition.bind(values) }
}

export function createD1Client(database: D1Database): D1Client {
  let isClosed = false

  const prepared = ({ source, values }: Query): D1Statement =>
    database.prepare(source).bind(...values)

  async function run<T>(work: () => Promise<T>): Promise<T> {
    if (isClosed) throw new Error('The store is closed.')
    try {
      return await work()
    } catch (error) {
      const safeError = new Error(`D1: ${safeMessage(error)}`)
      throw isUnavailable(error) ? new StoreUnavailable(safeError) : safeError
    }
  }

  return {
    rows: (query) => run(() => prepared(query).raw()),
    batch: (queries) =>
      run(async () => {
        const responses = await database.batch(queries.map(prepared))
        return responses.map(({ results }) => results.map((row): Row => Object.values(row)))
      }),
    close() {
      isClosed = true
    },
  }
}
