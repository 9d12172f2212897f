/** Cloudflare D1, as far as the keeper needs it, and one place where its absence is noticed. */
import { StoreUnavailable } from '../../uploads/ports/store-unavailable.ts'
import type { SqliteValue, Values, Worded } from '../sqlite/define-statement.ts'
import { isLost, sentenceOf } from './errors.ts'

/**
 * The binding of a D1 database, as Workers give it to whoever asks for it in their configuration.
 * https://developers.cloudflare.com/d1/worker-api/d1-database/
 */
export interface D1Database {
  prepare(query: string): D1Statement
  /** Runs the statements in their order, in one transaction. */
  batch(statements: D1Statement[]): Promise<D1Result[]>
}

export interface D1Statement {
  bind(...values: SqliteValue[]): D1Statement
  /** The rows, as lists of their values; none of what only writes. */
  raw(): Promise<unknown[][]>
}

export interface D1Result {
  /** The values of each row by the names of its columns, and in their order. */
  readonly results: readonly object[]
}

/** The values of a row, in the order of its columns. */
export type Row = readonly unknown[]

/** A statement with its values. */
export interface Question {
  readonly source: string
  readonly values: SqliteValue[]
}

/**
 * Asks the database, each time in one round trip. Rejects with `StoreUnavailable` where it does not
 * answer; whatever else goes wrong is thrown without the values that were given.
 */
export interface Asking {
  readonly rows: (question: Question) => Promise<readonly Row[]>
  /** In one transaction: either each of them is done, or none. The rows of each. */
  readonly together: (questions: readonly Question[]) => Promise<readonly (readonly Row[])[]>
  /** Whatever is asked from now on is refused. */
  readonly close: () => void
}

export function questionOf<Name extends string>(
  worded: Worded<Name>,
  values: Values<Name>,
): Question {
  return { source: worded.source, values: worded.inOrder(values) }
}

export function createAsking(database: D1Database): Asking {
  let isClosed = false

  const prepared = ({ source, values }: Question): D1Statement =>
    database.prepare(source).bind(...values)

  async function reach<T>(work: () => Promise<T>): Promise<T> {
    if (isClosed) throw new Error('The store is closed.')
    try {
      return await work()
    } catch (error) {
      const told = new Error(`D1: ${sentenceOf(error)}`)
      throw isLost(error) ? new StoreUnavailable(told) : told
    }
  }

  return {
    rows: (question) => reach(() => prepared(question).raw()),
    together: (questions) =>
      reach(async () => {
        const answers = await database.batch(questions.map(prepared))
        return answers.map(({ results }) => results.map((row): Row => Object.values(row)))
      }),
    close() {
      isClosed = true
    },
  }
}
