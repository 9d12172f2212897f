/** Allowances on a real PostgreSQL: the contract of every keeper, and what several gateways share. */
import { expect, onTestFinished, test } from 'vitest'
import { createPostgresAllowances } from '../../src/allowances/postgres.ts'
import { openPostgres } from '../../src/postgres/postgres.ts'
import { describeAllowances } from '../contracts/allowances.ts'
import { createTestDatabase, describeWithPostgres } from '../kit/postgres.ts'
import { after } from '../kit/samples.ts'

describeWithPostgres('PostgreSQL', () => {
  describeAllowances('PostgreSQL', async () => {
    const database = await createTestDatabase()
    const postgres = openPostgres({ url: database.url, connections: 4 }, () => undefined)
    return {
      allowances: createPostgresAllowances(postgres),
      async close() {
        await postgres.close()
        await database.drop()
      },
    }
  })

  test('three gateways that take at the same time get no more than one would', async () => {
    const database = await createTestDatabase()
    const gateways = [1, 2, 3].map(() =>
      openPostgres({ url: database.url, connections: 4 }, () => undefined),
    )
    onTestFinished(async () => {
      await Promise.all(gateways.map((gateway) => gateway.close()))
      await database.drop()
    })
    const within = [{ most: 10, spanMs: 60_000 }]
    const waits = await Promise.all(
      gateways.flatMap((gateway) => {
        const allowances = createPostgresAllowances(gateway)
        return Array.from({ length: 10 }, () => allowances.take('mint:alice', within, after(0)))
      }),
    )
    expect(waits.filter((wait) => wait === null)).toHaveLength(10)
    expect(waits.filter((wait) => wait === 60)).toHaveLength(20)
  })

  test('a large allowance is kept in few rows, and is never passed for it', async () => {
    const database = await createTestDatabase()
    const postgres = openPostgres({ url: database.url, connections: 4 }, () => undefined)
    onTestFinished(async () => {
      await postgres.close()
      await database.drop()
    })
    const allowances = createPostgresAllowances(postgres)
    const within = [{ most: 2000, spanMs: 10_000 }]
    for (let taken = 0; taken < 2000; taken += 1) {
      expect(await allowances.take('key', within, after(taken / 400))).toBeNull()
    }
    expect(await allowances.take('key', within, after(9.99))).toBeGreaterThanOrEqual(1)
    expect(await allowances.take('key', within, after(10.1))).toBeNull()
    const { rows } = await postgres.pool.query('select count(*)::int as rows from allowances')
    expect(rows).toEqual([{ rows: expect.closeTo(500, -2) }])
  })
})
