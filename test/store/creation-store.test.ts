/** Runs the CreationStore contract on SQLite with a memory rate limiter, and on PostgreSQL. */
import { expect, onTestFinished, test } from 'vitest'
import { openPostgres } from '../../src/postgres/connection-pool.ts'
import { createMemoryRateLimiter } from '../../src/rate-limits/memory-rate-limiter.ts'
import { createPostgresRateLimiter } from '../../src/rate-limits/postgres-rate-limiter.ts'
import { createPostgresStore } from '../../src/store/postgres/postgres-store.ts'
import { createSqliteStore } from '../../src/store/sqlite/sqlite-store.ts'
import { createCreationStore } from '../../src/uploads/create/creation-store.ts'
import { countedAt, describeCreationStore } from '../contracts/creation-store.ts'
import { numbered, unlimited, uploadURLOf } from '../contracts/store-suite.ts'
import { createTestDatabase, describeWithPostgres } from '../kit/postgres.ts'
import { after, reservationOf } from '../kit/samples.ts'

describeCreationStore('A store beside a rate limiter', async () => {
  const store = createSqliteStore(':memory:')
  const rateLimiter = createMemoryRateLimiter(countedAt)
  return {
    creations: [createCreationStore(store, rateLimiter)],
    store,
    rateLimiter,
    close: () => store.close(),
  }
})

/** The stores of three gateways. Rate limits are counted at the creation time of the samples. */
async function openGateways() {
  const database = await createTestDatabase()
  const gateways = numbered(3).map(() =>
    openPostgres({ url: database.url, connections: 4 }, () => undefined),
  )
  const stores = await Promise.all(
    gateways.map((gateway) => createPostgresStore(gateway, 'caller')),
  )
  const [postgres] = gateways
  const [store] = stores
  if (postgres === undefined || store === undefined) throw new Error('No gateway is open.')
  return {
    creations: stores,
    store,
    postgres,
    rateLimiter: createPostgresRateLimiter(postgres, countedAt),
    async close() {
      await Promise.all(stores.map((opened) => opened.close()))
      await database.drop()
    },
  }
}

describeWithPostgres('PostgreSQL', () => {
  describeCreationStore('PostgreSQL', openGateways)

  test('either reads a webhook that arrives while the upload is recorded, or lets it find the upload', async () => {
    const opened = await openGateways()
    const { creations, store } = opened
    onTestFinished(() => opened.close())
    const [one, other] = creations
    if (one === undefined || other === undefined) throw new Error('Two gateways are required.')
    await Promise.all(
      numbered(200).map(async (id) => {
        const reservation = reservationOf({ id })
        await store.reserve(reservation, unlimited)
        const video = { uid: id, uploadURL: uploadURLOf(id) }
        const [recorded, found] = await Promise.all([
          one.record(reservation, video, after(1), after(15)),
          other.saveUnmatchedWebhook(id, 'body', after(1)).then(() => other.find(id)),
        ])
        const wasRead = recorded?.webhooks?.length === 1
        expect(wasRead || found !== null).toBe(true)
      }),
    )
  })
})
