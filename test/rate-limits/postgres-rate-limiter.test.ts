/** Runs the RateLimiter contract on PostgreSQL, and tests what gateways share. */
import { expect, onTestFinished, test } from 'vitest'
import { createPostgresRateLimiter } from '../../src/rate-limits/postgres-rate-limiter.ts'
import { type Postgres, openPostgres } from '../../src/postgres/connection-pool.ts'
import { describeRateLimiter } from '../contracts/rate-limiter.ts'
import { type SetClock, retryAfterOf, timed } from '../contracts/rate-limiter-suite.ts'
import { createTestDatabase, describeWithPostgres } from '../kit/postgres.ts'
import { after } from '../kit/samples.ts'

/** Opens three pools on one database until the test ends. */
async function openGateways(): Promise<readonly Postgres[]> {
  const database = await createTestDatabase()
  const gateways = [1, 2, 3].map(() =>
    openPostgres({ url: database.url, connections: 4 }, () => undefined),
  )
  onTestFinished(async () => {
    await Promise.all(gateways.map((gateway) => gateway.close()))
    await database.drop()
  })
  return gateways
}

describeWithPostgres('PostgreSQL', () => {
  describeRateLimiter('PostgreSQL', async (now) => {
    const database = await createTestDatabase()
    const postgres = openPostgres({ url: database.url, connections: 4 }, () => undefined)
    return {
      rateLimiter: createPostgresRateLimiter(postgres, now),
      async close() {
        await postgres.close()
        await database.drop()
      },
    }
  })

  test('limits three concurrent gateways like one', async () => {
    const gateways = await openGateways()
    const windows = [{ limit: 10, windowMs: 60_000 }]
    const waits = await Promise.all(
      gateways.flatMap((gateway) => {
        const rateLimiter = createPostgresRateLimiter(gateway)
        return Array.from({ length: 10 }, async () =>
          retryAfterOf(await rateLimiter.consume('mint:alice', windows)),
        )
      }),
    )
    expect(waits.filter((wait) => wait === null)).toHaveLength(10)
    expect(waits.filter((wait) => wait === 60)).toHaveLength(20)
  })

  test('gives back units of three concurrent gateways by the clock of the server', async () => {
    const gateways = await openGateways()
    const windows = [{ limit: 10, windowMs: 60_000 }]
    const rateLimiters = gateways.map((gateway) => createPostgresRateLimiter(gateway))
    for (const _ of [1, 2]) {
      const consumed = await Promise.all(
        rateLimiters.flatMap((rateLimiter) =>
          Array.from({ length: 10 }, async () => ({
            rateLimiter,
            outcome: await rateLimiter.consume('mint:alice', windows),
          })),
        ),
      )
      const units = consumed.flatMap(({ rateLimiter, outcome }) =>
        outcome.kind === 'consumed' ? [{ rateLimiter, at: outcome.at }] : [],
      )
      expect(units).toHaveLength(10)
      await Promise.all(units.map(({ rateLimiter, at }) => rateLimiter.giveBack('mint:alice', at)))
    }
    for (const rateLimiter of rateLimiters) {
      expect(await rateLimiter.countConsumed('mint:alice', 60_000)).toBe(0)
    }
  })

  test('uses the clock of the server, and not the clock passed by the previous version', async () => {
    const database = await createTestDatabase()
    const postgres = openPostgres({ url: database.url, connections: 4 }, () => undefined)
    onTestFinished(async () => {
      await postgres.close()
      await database.drop()
    })
    const windows = [{ limit: 3, windowMs: 60_000 }]
    const rateLimiter = createPostgresRateLimiter(postgres)
    /** Consumes as the previous version does, with a clock that is 90 seconds ahead. */
    const consumeByPreviousVersion = () =>
      postgres.pool.query<{ seconds: number | null }>(
        "select take_allowance('mint:alice', $1::bigint, '{3}', '{60000}', 1::bigint) as seconds",
        [Date.now() + 90_000],
      )
    expect((await consumeByPreviousVersion()).rows).toEqual([{ seconds: null }])
    expect(retryAfterOf(await rateLimiter.consume('mint:alice', windows))).toBeNull()
    expect(retryAfterOf(await rateLimiter.consume('mint:alice', windows))).toBeNull()
    expect(retryAfterOf(await rateLimiter.consume('mint:alice', windows))).toBeGreaterThan(50)
    expect(await rateLimiter.countConsumed('mint:alice', 60_000)).toBe(3)
    // Blocks as the previous version does, by a clock that is two hours ahead.
    await postgres.pool.query(
      "insert into allowance_holds values ('stream', now() + interval '2 hours 5 seconds')",
    )
    expect(retryAfterOf(await rateLimiter.consume('stream', windows))).toBeNull()
    await rateLimiter.block('stream', 5000)
    expect(retryAfterOf(await rateLimiter.consume('stream', windows))).toBe(5)
  })

  test('stores a large limit in one row of few times and never exceeds it', async () => {
    const database = await createTestDatabase()
    const postgres = openPostgres({ url: database.url, connections: 4 }, () => undefined)
    onTestFinished(async () => {
      await postgres.close()
      await database.drop()
    })
    const clock: SetClock = { ms: 0 }
    const rateLimiter = timed(
      createPostgresRateLimiter(postgres, () => clock.ms),
      clock,
    )
    const windows = [{ limit: 2000, windowMs: 10_000 }]
    for (let count = 0; count < 2000; count += 1) {
      expect(await rateLimiter.consume('key', windows, after(count / 400))).toBeNull()
    }
    expect(await rateLimiter.consume('key', windows, after(9.99))).toBeGreaterThanOrEqual(1)
    expect(await rateLimiter.consume('key', windows, after(10.1))).toBeNull()
    const { rows } = await postgres.pool.query(
      'select cardinality(times) as times from rate_limits',
    )
    expect(rows).toEqual([{ times: expect.closeTo(125, -1) }])
  })
})
