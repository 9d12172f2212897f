/** D1 for tests, run by Miniflare in workerd. */
import { readFileSync, readdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { Miniflare } from 'miniflare'
import { BRIDGE, bridgeTo } from './d1-bridge.ts'
import type { D1Database, D1Statement } from '../../src/store/d1/d1-client.ts'
import type { SqliteValue } from '../../src/store/sqlite/define-statement.ts'

const MIGRATIONS = fileURLToPath(new URL('../../migrations/sqlite', import.meta.url))

/** Databases for one test file; emptied databases are reused. */
const bindings = Array.from({ length: 9 }, (_, place) => `D1_${place}`)

export interface D1Server {
  /** Returns a migrated database without a row. */
  create(): Promise<TestD1>
  /** Returns a database without tables. */
  createEmpty(): Promise<D1Database>
  stop(): Promise<void>
}

export interface TestD1 {
  readonly database: D1Database
  /** Opens the same database again, as another Worker does. */
  readonly open: () => Promise<D1Database>
  /** Empties the database for the next test. */
  readonly drop: () => Promise<void>
}

/** Starts the server. The caller stops it. */
export async function startD1(): Promise<D1Server> {
  const miniflare = new Miniflare({
    modules: true,
    script: BRIDGE,
    compatibilityDate: '2026-03-01',
    d1Databases: bindings,
  })
  await miniflare.ready
  const unused = [...bindings]
  /** Migrated databases that can be reused. */
  const reusableDatabases: string[] = []
  const open = (binding: string): D1Database =>
    bridgeTo(binding, (body) => miniflare.dispatchFetch('http://bridge/', { method: 'POST', body }))

  function nextUnused(): string {
    const binding = unused.shift()
    if (binding === undefined) throw new Error('All D1 databases of this test file are in use.')
    return binding
  }

  async function createMigrated(): Promise<string> {
    const binding = nextUnused()
    await migrateD1(open(binding), d1Migrations())
    return binding
  }

  return {
    async create() {
      const binding = reusableDatabases.pop() ?? (await createMigrated())
      const database = open(binding)
      return {
        database,
        open: async () => open(binding),
        async drop() {
          await database.batch(
            [
              'upload_events',
              'uploads',
              'upload_tallies',
              'kept_notices',
              'callback_deliveries',
              'callback_events',
              'deployments',
            ].map((table) => database.prepare(`delete from ${table}`)),
          )
          reusableDatabases.push(binding)
        },
      }
    },
    createEmpty: async () => open(nextUnused()),
    stop: () => miniflare.dispose(),
  }
}

/** The statements of each migration, in the order in which they are applied. */
export function d1Migrations(): readonly (readonly string[])[] {
  return readdirSync(MIGRATIONS)
    .filter((name) => name.endsWith('.sql'))
    .toSorted()
    .map((name) => readFileSync(`${MIGRATIONS}/${name}`, 'utf8').split('--> statement-breakpoint'))
}

export async function migrateD1(
  database: D1Database,
  migrations: ReturnType<typeof d1Migrations>,
): Promise<void> {
  for (const statements of migrations) {
    await database.batch(statements.map((statement) => database.prepare(statement)))
  }
}

export interface Query {
  readonly source: string
  readonly values: readonly SqliteValue[]
}

/**
 * The same database with a callback before each round trip. An error of the callback fails the
 * round trip.
 */
export function observeQueries(
  database: D1Database,
  onQueries: (queries: readonly Query[]) => void,
): D1Database {
  const observed = new Map<D1Statement, { readonly real: D1Statement; readonly query: Query }>()

  function observe(real: D1Statement, query: Query): D1Statement {
    const statement: D1Statement = {
      bind: (...values) => observe(real.bind(...values), { ...query, values }),
      async raw() {
        onQueries([query])
        return real.raw()
      },
    }
    observed.set(statement, { real, query })
    return statement
  }

  return {
    prepare: (source) => observe(database.prepare(source), { source, values: [] }),
    async batch(statements) {
      const known = statements.flatMap((statement) => observed.get(statement) ?? [])
      onQueries(known.map(({ query }) => query))
      return database.batch(known.map(({ real }) => real))
    },
  }
}
