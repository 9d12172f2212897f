/** Runs the store contract against PostgreSQL, and tests what is specific to it. */
import { inspect } from 'node:util'
import { describe, expect, onTestFinished, test } from 'vitest'
import { type Postgres, openPostgres } from '../../src/postgres/connection-pool.ts'
import { createPostgresStore } from '../../src/store/postgres/postgres-store.ts'
import type { UploadStore } from '../../src/uploads/ports/upload-store.ts'
import { OTHER_TARGET, TARGET, callbackOf, mintWith } from '../contracts/callback-store.ts'
import { changeOf, unlimited, mintIn, numbered } from '../contracts/store-suite.ts'
import { describeUploadStore } from '../contracts/upload-store.ts'
import { createTestDatabase, describeWithPostgres } from '../kit/postgres.ts'
import { openPostgresStore } from './open-postgres-store.ts'
import { after, reservationOf } from '../kit/samples.ts'

/** Opens a connection pool of its own, as another gateway has. */
async function openStore(url: string): Promise<{ postgres: Postgres; store: UploadStore }> {
  const postgres = openPostgres({ url, connections: 10 }, () => undefined)
  return { postgres, store: await createPostgresStore(postgres, 'caller') }
}

/** Opens several gateways' stores on one database, and closes them when the test ends. */
async function openStores(count: number) {
  const database = await createTestDatabase()
  const opened = await Promise.all(Array.from({ length: count }, () => openStore(database.url)))
  onTestFinished(async () => {
    await Promise.all(opened.map(({ store }) => store.close()))
    await database.drop()
  })
  const [first] = opened
  if (first === undefined) throw new Error('At least one store is required.')
  return { stores: opened.map(({ store }) => store), ...first }
}

/** Both totals in one statement, and so from one snapshot. */
const RECOUNT = `select
  (select coalesce(sum(uploads), 0) from upload_counts where creator = '')::int as total,
  (select count(*) from uploads)::int as counted,
  (select coalesce(sum(reserved_seconds), 0) from upload_counts where creator = 'alice')::int as total_seconds,
  (select coalesce(sum(reserved_seconds), 0) from uploads where creator = 'alice')::int as counted_seconds`

/** Selects round-robin. */
function nth<T>(list: readonly T[], index: number): T {
  const found = list[index % list.length]
  if (found === undefined) throw new Error('The list is empty.')
  return found
}

describeWithPostgres('PostgreSQL', () => {
  test('100 racing gateways claim each callback once', async () => {
    const { stores, store } = await openStores(20)
    await Promise.all(numbered(200).map((id) => mintWith(store, id, callbackOf(id, 1))))
    const claims = await Promise.all(
      numbered(100).map((_, index) =>
        nth(stores, index).callbacks.claimDeliveries(TARGET, after(9), 3, after(24)),
      ),
    )
    const claimed = claims.flat().map(({ event }) => event.id)
    expect(new Set(claimed).size).toBe(claimed.length)
    const rest = await store.callbacks.claimDeliveries(TARGET, after(9), 999, after(24))
    expect(claimed.length + rest.length).toBe(200)
  })

  test('gateways that change uploads and deliver callbacks hold up no event, and keep their order', async () => {
    const { stores } = await openStores(4)
    const targets = [TARGET, OTHER_TARGET]
    const ids = numbered(16)
    const seen: string[] = []
    const deliver = async (store: UploadStore, target: string): Promise<number> => {
      const due = await store.callbacks.claimDeliveries(target, after(99), 8, after(120))
      seen.push(...due.map(({ event }) => `${target} ${event.uploadId} ${event.version}`))
      const outcome = { kind: 'delivered' } as const
      await store.callbacks.recordResults(
        due.map((delivery) => ({ delivery, outcome, status: 204, error: null })),
        after(99),
      )
      return due.length
    }
    await Promise.all([
      ...ids.map(async (id, index) => {
        let upload = await mintWith(nth(stores, index), id, callbackOf(id, 1, { targets }))
        for (let version = 2; version <= 5; version += 1) {
          const change = { ...changeOf(upload, {}), callback: callbackOf(id, version, { targets }) }
          expect(await nth(stores, index + version).saveVersion(change)).toBe(true)
          upload = change.upload
        }
      }),
      ...stores.map(async (store, index) => {
        for (let round = 0; round < 25; round += 1) {
          await deliver(store, nth(targets, index + round))
        }
      }),
    ])
    for (const target of targets) while ((await deliver(nth(stores, 0), target)) > 0);
    for (const target of targets) {
      for (const id of ids) {
        expect(seen.filter((entry) => entry.startsWith(`${target} ${id} `))).toEqual(
          [1, 2, 3, 4, 5].map((version) => `${target} ${id} ${version}`),
        )
      }
    }
  })

  test('leases expire by the clock of the server, not by the clocks of the gateways', async () => {
    const database = await createTestDatabase()
    const gateways = [0, 1].map(() =>
      openPostgres({ url: database.url, connections: 2 }, () => undefined),
    )
    const [ahead, right] = await Promise.all(
      gateways.map((gateway) => createPostgresStore(gateway)),
    )
    onTestFinished(async () => {
      await Promise.all(gateways.map((gateway) => gateway.close()))
      await database.drop()
    })
    const now = Date.now()
    const far = now + 90_000
    expect(await ahead?.renewWatchLeases(['a'], new Date(far), new Date(far + 5000), true)).toEqual(
      ['a'],
    )
    expect(
      await right?.renewWatchLeases(['b'], new Date(now), new Date(now + 5000), true),
    ).toBeNull()
    expect(await ahead?.acquireSweepLease(new Date(far), new Date(far + 60_000))).not.toBeNull()
    expect(await right?.acquireSweepLease(new Date(now), new Date(now + 60_000))).toBeNull()
    const { rows } = (await gateways[0]?.pool.query(
      `select (select max(until) from watch_claims) <= clock_timestamp() + interval '5 seconds' as claims,
        (select until from sweeps) <= clock_timestamp() + interval '60 seconds' as sweeps`,
    )) ?? { rows: [] }
    expect(rows).toEqual([{ claims: true, sweeps: true }])
  })

  describeUploadStore('PostgreSQL', async () => {
    const database = await createTestDatabase()
    let { store } = await openStore(database.url)
    onTestFinished(() => database.drop())
    return {
      store,
      async reopen() {
        await store.close()
        ;({ store } = await openStore(database.url))
        return store
      },
    }
  })

  describe('several gateways', () => {
    test('share one deployment id and report that the database is shared', async () => {
      const { stores } = await openStores(3)
      expect(new Set(stores.map(({ deployment }) => deployment)).size).toBe(1)
      expect(stores.map(({ isShared }) => isShared)).toEqual([true, true, true])
    })

    test('grant one key and one quota consistently under concurrent reservations', async () => {
      const { stores } = await openStores(3)
      const rules = { creatorQuotaSeconds: 6000, keysValidSince: after(0) }
      const outcomes = await Promise.all(
        numbered(60).map((id, index) => {
          const idempotencyKey = index < 30 ? 'key' : null
          const reservation = reservationOf({ id, idempotencyKey })
          return nth(stores, index).reserve(reservation, rules)
        }),
      )
      const kinds = outcomes.map(({ kind }) => kind)
      expect(kinds.filter((kind) => kind === 'reserved')).toHaveLength(10)
      const keyed = kinds.slice(0, 30)
      expect(keyed.filter((kind) => kind === 'reserved').length).toBeLessThanOrEqual(1)
      expect(await stores[0]?.quotaUsage('alice')).toEqual({
        reservedSeconds: 6000,
        storedSeconds: 0,
      })
    })

    test('grant the poll lease to one gateway, and to another after it expires', async () => {
      const { stores } = await openStores(2)
      const [one, other] = stores
      if (one === undefined || other === undefined) throw new Error('Two stores are required.')
      // The first caller gets the lease, even when it watches nothing.
      expect(await one.renewWatchLeases([], after(0), after(5), true)).toEqual([])
      expect(await other.renewWatchLeases(['a', 'c'], after(1), after(6), true)).toBeNull()
      expect(await one.renewWatchLeases(['b', 'c'], after(1), after(6), true)).toEqual([
        'a',
        'b',
        'c',
      ])
      expect(await other.renewWatchLeases(['a'], after(5.999), after(11), true)).toBeNull()
      // The lease of the first store has expired, and the uids it watched with it.
      expect(await other.renewWatchLeases(['a'], after(6), after(11), true)).toEqual(['a'])
      // A gateway that cannot reach Stream still adds the uids it watches.
      expect(await one.renewWatchLeases(['b'], after(7), after(12), false)).toBeNull()
      expect(await other.renewWatchLeases(['a'], after(8), after(13), true)).toEqual(['a', 'b'])
    })

    test('grant the poll lease to one of many concurrent callers', async () => {
      const { stores } = await openStores(5)
      for (let second = 0; second < 20; second += 10) {
        const uids = numbered(50)
        const watched = await Promise.all(
          stores.map((store, index) =>
            store.renewWatchLeases(
              index % 2 === 0 ? uids : uids.toReversed(),
              after(second),
              after(second + 10),
              true,
            ),
          ),
        )
        expect(watched.filter((uidList) => uidList !== null)).toEqual([uids.toSorted()])
      }
    })

    test('sweep one at a time, and share how far the sweep has come', async () => {
      const { stores } = await openStores(2)
      const [one, other] = stores
      if (one === undefined || other === undefined) throw new Error('Two stores are required.')
      expect(await one.acquireSweepLease(after(0), after(60))).toEqual({ sweptUntil: null })
      expect(await other.acquireSweepLease(after(1), after(61))).toBeNull()
      await other.releaseSweepLease(after(1))
      expect(await other.acquireSweepLease(after(2), after(62))).toBeNull()
      await one.releaseSweepLease(after(2))
      expect(await other.acquireSweepLease(after(3), after(63))).toEqual({ sweptUntil: after(2) })
      // The holder did not release its lease.
      expect(await one.acquireSweepLease(after(62.999), after(99))).toBeNull()
      expect(await one.acquireSweepLease(after(63), after(99))).toEqual({ sweptUntil: after(2) })
    })
  })

  describe('values that PostgreSQL cannot store', () => {
    test('are stored with replacements and cause no error in queries', async () => {
      const { store } = await openStores(1)
      const meta = { 'a\0b': 'c\0d', lone: '\ud800' }
      const name = 'before\0after'
      await store.reserve(
        reservationOf({ id: 'odd', name, meta, idempotencyKey: 'k\0' }),
        unlimited,
      )
      const found = await store.findByKey('alice', 'k\0', after(0))
      expect(found?.reservation.name).toBe('before\uFFFDafter')
      expect(found?.reservation.meta).toEqual(meta)
      expect(await store.find('\0')).toBeNull()
      expect(await store.findMany(['\0', 'x'])).toEqual([])
      expect(await store.list({ creator: '\0' }, { direction: 'older', limit: 9 })).toEqual([])
      await store.saveUnmatchedWebhook('u\0', '\0', after(1))
      expect(await store.unmatchedWebhooks('u\0')).toHaveLength(1)
    })
  })

  test('shares one connection between concurrent pings', async () => {
    const { store, postgres } = await openStores(1)
    let acquired = 0
    postgres.pool.on('acquire', () => {
      acquired += 1
    })
    await Promise.all(Array.from({ length: 50 }, () => store.ping()))
    await store.ping()
    expect(acquired).toBe(2)
  })

  test('clamps dates outside the range of PostgreSQL', async () => {
    const { store } = await openStores(1)
    await mintIn(store, { id: 'one' })
    const far = [new Date(-8.64e15), new Date(8.64e15)] as const
    const [before, later] = far
    const range = { direction: 'older', limit: 9 } as const
    expect(await store.list({ createdAfter: before, createdBefore: later }, range)).toHaveLength(1)
    expect(await store.count({ createdAfter: later })).toBe(0)
    expect(await store.list({}, { ...range, from: { createdAt: before, id: 'x' } })).toEqual([])
  })

  test('reports the cause of an error without parameter values', async () => {
    const { store } = await openStores(1)
    const { uid } = await mintIn(store, { id: 'one' })
    const two = reservationOf({ id: 'two' })
    await store.reserve(two, unlimited)
    const minted = { uid, uploadURL: 'https://upload.example.com/secret' }
    const failure: unknown = await store
      .mint(two, minted, after(1), after(15))
      .catch((error: unknown) => error)
    expect(inspect(failure)).toMatch(/duplicate key value violates unique constraint.*23505/)
    expect(inspect(failure, { depth: 9, showHidden: true })).not.toContain('secret')
  })

  describe('totals', () => {
    test('equal the counted rows at every point in time under concurrent writes and folding', async () => {
      const { stores, postgres } = await openStores(3)
      const writes = numbered(90).map(async (id, index) => {
        const store = nth(stores, index)
        const upload = await mintIn(store, { id, creator: index % 2 === 0 ? 'alice' : 'bob' })
        await store.runMaintenance(after(1))
        const { rows } = await postgres.pool.query<Record<string, number>>(RECOUNT)
        expect(rows[0]?.['total']).toBe(rows[0]?.['counted'])
        expect(rows[0]?.['total_seconds']).toBe(rows[0]?.['counted_seconds'])
        if (index % 3 === 0) await store.saveVersion(changeOf(upload, { status: 'READY' }))
      })
      await Promise.all(writes)
      for (const store of stores) await store.runMaintenance(after(700))
      const { rows } = await postgres.pool.query(
        'select count(*)::int as left from upload_tally_changes',
      )
      expect(rows).toEqual([{ left: 0 }])
      expect(await stores[0]?.count({ statuses: ['READY'] })).toBe(30)
    })

    test('have nothing left to fold after one run, however many changes wait', async () => {
      const { store, pool } = await openPostgresStore(1)
      await pool.query(
        `insert into upload_tally_changes (creator, status, protocol, uploads, reserved_seconds, stored_seconds)
        select 'creator-' || n % 7, 'READY', 'BASIC', 1, 0, 60 from generate_series(1, 45000) n`,
      )
      await store.runMaintenance(after(1))
      expect((await pool.query('select from upload_tally_changes')).rowCount).toBe(0)
      expect(await store.count({})).toBe(45_000)
    })
  })
})
