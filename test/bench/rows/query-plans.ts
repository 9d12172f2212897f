/** Query plan of each statement of the SQLite store: none may scan a large table. */
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { createSqliteStore } from 'headgate'
import { z } from 'zod'
import { createEntry } from '../entry.ts'
import { CREATORS, seed, uidOf } from '../seed.ts'
import type { Row } from './row.ts'

type Store = ReturnType<typeof createSqliteStore>

/** Tables with only a few rows. */
const SMALL = /^SCAN (?:deployments|__drizzle_migrations|sqlite_master)\b/
/** Uses an index, or scans a list that was passed as a parameter. */
const BY_INDEX =
  /^(?:SEARCH |SCAN json_each |(?:CORRELATED )?LIST SUBQUERY |CREATE BLOOM FILTER|CO-ROUTINE counted|SCAN counted)/
/** Scans in index order: fast with a limit. */
const IN_ORDER = /^SCAN \w+ USING (?:COVERING )?INDEX /
/** Sorts the found rows: fast when all of them are returned, or when each kind has its own limit. */
const SORTING = /^USE TEMP B-TREE /
const BY_KIND = 'json_each.value ->> 0'

export const queryPlans: Row = {
  name: 'query-plans',
  partOf: 'scale',
  needsPeers: false,
  async run({ folder }) {
    const file = join(folder, 'plans.db')
    await seed(file, 100)
    const statements = await recordStatements(file)
    const database = new Database(file, { readonly: true })
    const plans = statements.map((sql) => ({ sql, steps: explain(database, sql) }))
    database.close()
    const slow = plans.filter(({ sql, steps }) => !steps.every((step) => isFast(sql, step)))
    return [
      createEntry({
        row: `statements without an index, of ${plans.length}`,
        unit: '',
        rounds: [{ value: slow.length, cpu: null, problem: null }],
        peer: null,
        target: { atMost: 0 },
        isRatio: false,
        problems: slow.map(describe),
        notes: plans.filter((plan) => !slow.includes(plan)).map(describe),
      }),
    ]
  },
}

interface Plan {
  readonly sql: string
  readonly steps: readonly string[]
}

function describe({ sql, steps }: Plan): string {
  const short = sql.replace(/^select .*? from/s, 'select … from').replaceAll('"', '')
  return `${steps.join('; ')} <- ${short.length > 160 ? `${short.slice(0, 160)}…` : short}`
}

function isFast(sql: string, step: string): boolean {
  const isLimited = / limit /i.test(sql)
  return (
    SMALL.test(step) ||
    BY_INDEX.test(step) ||
    (IN_ORDER.test(step) && isLimited) ||
    (SORTING.test(step) && (!isLimited || sql.includes(BY_KIND)))
  )
}

/** Records every statement that the store prepares while each of its methods is called. */
async function recordStatements(file: string): Promise<readonly string[]> {
  const seen = new Set<string>()
  // oxlint-disable-next-line typescript/unbound-method -- the proxy passes on `this`
  const { prepare } = Database.prototype
  Database.prototype.prepare = new Proxy(prepare, {
    apply(target, self, args) {
      seen.add(String(args[0]))
      const statement: unknown = Reflect.apply(target, self, args)
      return statement
    },
  })
  try {
    const store = createSqliteStore(file)
    await runQueries(store)
    await store.close()
  } finally {
    Database.prototype.prepare = prepare
  }
  return [...seen].filter((sql) => /^\s*(?:select|insert|update|delete|with)\b/i.test(sql))
}

async function runQueries(store: Store): Promise<void> {
  const now = new Date()
  const [creator = ''] = CREATORS
  const cursor = { createdAt: now, id: uidOf(0) }
  for (const filter of [
    {},
    { creator },
    { creator, statuses: ['READY' as const] },
    { creator, protocol: 'BASIC' as const },
    { creator, createdAfter: now, createdBefore: now },
  ]) {
    for (const direction of ['older', 'newer'] as const) {
      await store.list(filter, { direction, limit: 20 })
      await store.list(filter, { direction, limit: 20, from: cursor })
    }
    await store.count(filter)
  }
  await store.quotaUsage()
  await store.quotaUsage(creator)
  await store.find(uidOf(0))
  await store.findMany([uidOf(0)])
  await store.findByKey(creator, 'key', now)
  await store.historyOf([uidOf(0)])
  await store.findReferences([uidOf(0)])
  await store.pendingReservations(now, 20)
  await store.deleteRetiredBefore(new Date(0))
  await store.findDue(now, 20)
  await store.reschedulePolls([{ uid: uidOf(0), version: 0, pollAt: now, idlePolls: 0 }])
  await store.unmatchedWebhooks(uidOf(0))
  await store.deleteUnmatchedWebhooks(uidOf(0))
  await store.deleteUnmatchedWebhooksBefore(new Date(0))
  await store.ping()
}

const steps = z.array(z.object({ detail: z.string() }))

/** https://www.sqlite.org/eqp.html */
function explain(database: Database.Database, sql: string): readonly string[] {
  const named = [...sql.matchAll(/[:@$]([a-z]\w*)/gi)].map(([, name = '']) => [name, null])
  const unnamed = [...sql.matchAll(/\?/g)].map(() => null)
  const plan = database.prepare(`explain query plan ${sql}`)
  const rows = named.length > 0 ? plan.all(Object.fromEntries(named)) : plan.all(...unnamed)
  return steps.parse(rows).map(({ detail }) => detail)
}
