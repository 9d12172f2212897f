/** What creations and polls cost PostgreSQL: round trips, and commits that wait for the disk. */
import { Client } from 'pg'
import { expect, onTestFinished, test, vi } from 'vitest'
import { z } from 'zod'
import { openPostgres } from '../../src/postgres/connection-pool.ts'
import { migratePostgres } from '../../src/store/postgres/migrate.ts'
import { createPostgresStore } from '../../src/store/postgres/postgres-store.ts'
import { mintIn } from '../contracts/store-suite.ts'
import { TEST_SECRET, startTestGateway, tokenFor } from '../kit/gateway.ts'
import { createDirectUpload, createUploads, expectMinted } from '../kit/operations.ts'
import { createTestDatabase, describeWithPostgres } from '../kit/postgres.ts'
import { startPostgresProxy } from '../kit/postgres-proxy.ts'
import { findPostgres, startPostgres } from '../kit/postgres-server.ts'
import { after } from '../kit/samples.ts'

const UPLOADS = 40
/** Sent after the response. Concurrent changes share one. */
const NOTIFY = 'headgate_notify'
/** Durable commits of the sync loop and of the server's own processes during the test, at most. */
const OTHER_COMMITS = UPLOADS / 2

const WAL_SYNCS = z.tuple([z.object({ syncs: z.number() })])

const sumOf = (counts: readonly number[]): number => counts.reduce((sum, count) => sum + count, 0)

/** A gateway with every limit, on a server whose only durable commits are those that a statement waits for. */
async function startGatewayWithLimits() {
  const server = await startPostgres((await findPostgres()) ?? '', true)
  onTestFinished(() => server.remove())
  await server.createDatabase('headgate')
  const url = server.url('headgate')
  const administrator = new Client({ connectionString: url })
  await administrator.connect()
  onTestFinished(() => administrator.end())
  await administrator.query("alter system set wal_writer_delay = '10s'")
  await administrator.query('select pg_reload_conf()')
  const migrating = openPostgres({ url, connections: 1 }, () => undefined)
  await migratePostgres(migrating)
  await migrating.close()

  /** Waits until all gateways have disconnected: connections report their counts when they end. */
  async function countSyncs(): Promise<number> {
    await vi.waitFor(async () => {
      const { rowCount } = await administrator.query(
        "select from pg_stat_activity where application_name = 'headgate'",
      )
      expect(rowCount).toBe(0)
    }, 5000)
    const { rows } = await administrator.query('select wal_sync::int as syncs from pg_stat_wal')
    return WAL_SYNCS.parse(rows)[0].syncs
  }

  const syncsBefore = await countSyncs()
  const proxy = await startPostgresProxy(url)
  onTestFinished(() => proxy.close())
  const gateway = await startTestGateway({
    DATABASE_URL: proxy.url,
    AUTH_JWT_SECRET: TEST_SECRET,
    STREAM_API_BUDGET: '1000',
    CREATOR_QUOTA_MINUTES: '60000',
  })
  return {
    gateway,
    proxy,
    /** Stops the gateway, and returns its number of durable commits. */
    async stopAndCountCommits(this: void): Promise<number> {
      await gateway.stop()
      return (await countSyncs()) - syncsBefore
    },
  }
}

describeWithPostgres('A creation with quota, rate limit, budget and idempotency key', () => {
  test('waits for three round trips and two durable commits', async () => {
    const { gateway, proxy, stopAndCountCommits } = await startGatewayWithLimits()
    const alice = gateway.as(await tokenFor('alice'))
    proxy.takeRoundTrips()
    for (let upload = 0; upload < UPLOADS; upload += 1) {
      expectMinted(await createDirectUpload(alice, { idempotencyKey: `key ${upload}` }))
    }
    // The sync loop executes each of its statements a few times.
    const repeated = [...proxy.takeRoundTrips()].filter(
      ([statement, count]) => statement !== NOTIFY && count >= UPLOADS / 2,
    )
    expect(new Set(repeated.map(([statement]) => statement))).toEqual(
      new Set(['headgate_reserve', 'headgate_rate_limit_consume', 'headgate_mint']),
    )
    expect(sumOf(repeated.map(([, count]) => count))).toBeLessThan(3.5 * UPLOADS)
    const commits = await stopAndCountCommits()
    expect(commits).toBeGreaterThan(UPLOADS)
    expect(commits).toBeLessThanOrEqual(2 * UPLOADS + OTHER_COMMITS)
  })

  test('shares round trips with concurrent creations', async () => {
    const { gateway, proxy } = await startGatewayWithLimits()
    const callers = await Promise.all(
      ['alice', 'bob'].map(async (name) => gateway.as(await tokenFor(name))),
    )
    for (const caller of callers) expectMinted(await createDirectUpload(caller))
    proxy.takeRoundTrips()
    const outcomes = await Promise.all(
      callers.flatMap((caller) =>
        Array.from({ length: UPLOADS / 2 }, (_, upload) =>
          createDirectUpload(caller, { idempotencyKey: `key ${upload}` }),
        ),
      ),
    )
    expect(new Set(outcomes.map((outcome) => expectMinted(outcome).uid)).size).toBe(UPLOADS)
    expect(sumOf([...proxy.takeRoundTrips().values()])).toBeLessThan(2 * UPLOADS)
  })

  test('shares one reservation statement among the inputs of createUploads', async () => {
    const { gateway, proxy } = await startGatewayWithLimits()
    const alice = gateway.as(await tokenFor('alice'))
    expectMinted(await createDirectUpload(alice))
    proxy.takeRoundTrips()
    const inputs = Array.from({ length: 20 }, (_, upload) => ({ idempotencyKey: `key ${upload}` }))
    const outcomes = await createUploads(alice, inputs)
    expect(new Set(outcomes.map((outcome) => expectMinted(outcome).uid)).size).toBe(20)
    const roundTrips = proxy.takeRoundTrips()
    expect(roundTrips.get('headgate_reserve')).toBe(1)
    // The uploads are recorded as Stream responds, those that wait for a statement together.
    expect(roundTrips.get('headgate_mint')).toBeLessThanOrEqual(10)
    expect(roundTrips.get('headgate_rate_limit_consume')).toBeLessThanOrEqual(2)
  })
})

describeWithPostgres('The next polls of a group of uploads', () => {
  test('take one round trip', async () => {
    const { url, drop } = await createTestDatabase()
    onTestFinished(drop)
    const proxy = await startPostgresProxy(url)
    onTestFinished(() => proxy.close())
    const store = await createPostgresStore(
      openPostgres({ url: proxy.url, connections: 2 }, () => undefined),
    )
    onTestFinished(() => store.close())
    for (let id = 0; id < UPLOADS; id += 1) await mintIn(store, { id: `id-${id}` })
    const due = await store.findDue(after(20), UPLOADS)
    expect(due).toHaveLength(UPLOADS)
    proxy.takeRoundTrips()
    await store.reschedulePolls(
      due.map(({ upload: { uid, version } }) => ({
        uid,
        version,
        pollAt: after(30),
        idlePolls: 1,
      })),
    )
    expect([...proxy.takeRoundTrips()]).toEqual([['headgate_reschedule_polls', 1]])
    expect(await store.findDue(after(29), UPLOADS)).toEqual([])
    expect(await store.findDue(after(30), UPLOADS)).toHaveLength(UPLOADS)
  })
})
