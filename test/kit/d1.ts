/** D1 for tests: the real one of Workers, run by Miniflare on this machine. */
import { readFileSync, readdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { Miniflare } from 'miniflare'
import type { D1Database } from '../../src/store/d1/d1.ts'

const MIGRATIONS = fileURLToPath(new URL('../../migrations/sqlite', import.meta.url))

/** Databases that may be in use at the same time. */
const bindings = ['D1', 'D2', 'D3', 'D4', 'D5', 'D6']

export interface D1Server {
  /** A migrated database without a row. */
  create(): Promise<TestD1>
  /** One with nothing in it. There is one of those. */
  createEmpty(): Promise<D1Database>
  stop(): Promise<void>
}

export interface TestD1 {
  readonly database: D1Database
  /** Another way to the same database, as another Worker has. */
  open(): Promise<D1Database>
  /** Empties it for the next test. */
  drop(): Promise<void>
}

/** Starts it; who starts it stops it. */
export async function startD1(): Promise<D1Server> {
  const miniflare = new Miniflare({
    modules: true,
    script: 'export default { fetch: () => new Response(null, { status: 404 }) }',
    compatibilityDate: '2026-03-01',
    d1Databases: [...bindings, 'EMPTY'],
  })
  await miniflare.ready
  const unused = [...bindings]
  /** Migrated ones that a test is done with. */
  const spare: string[] = []
  const open = async (binding: string): Promise<D1Database> => miniflare.getD1Database(binding)

  async function createMigrated(): Promise<string> {
    const binding = unused.shift()
    if (binding === undefined) throw new Error('So many databases are not given.')
    await migrateD1(await open(binding))
    return binding
  }

  return {
    async create() {
      const binding = spare.pop() ?? (await createMigrated())
      const database = await open(binding)
      return {
        database,
        open: () => open(binding),
        async drop() {
          await database.batch(
            ['upload_events', 'uploads', 'upload_tallies', 'kept_notices', 'deployments'].map(
              (table) => database.prepare(`delete from ${table}`),
            ),
          )
          spare.push(binding)
        },
      }
    },
    createEmpty: () => open('EMPTY'),
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

export async function migrateD1(database: D1Database): Promise<void> {
  for (const statements of d1Migrations()) {
    await database.batch(statements.map((statement) => database.prepare(statement)))
  }
}
