/** Settings of a server, role or database that differ from the defaults of PostgreSQL. */
import { expect, onTestFinished, test } from 'vitest'
import { retryAfterOf } from '../contracts/rate-limiter-suite.ts'
import { createPostgresRateLimiter } from '../../src/rate-limits/postgres-rate-limiter.ts'
import { openPostgres } from '../../src/postgres/connection-pool.ts'
import { createPostgresStore } from '../../src/store/postgres/postgres-store.ts'
import { mintIn, numbered } from '../contracts/store-suite.ts'
import { type TestDatabase, createEmptyDatabase, describeWithPostgres } from '../kit/postgres.ts'
import { after, reservationOf } from '../kit/samples.ts'

/** Creates an empty database and runs these statements in it. */
async function createDatabase(...statements: readonly string[]): Promise<TestDatabase> {
  const database = await createEmptyDatabase()
  onTestFinished(() => database.drop())
  const postgres = openPostgres({ url: database.url, connections: 1 }, () => undefined)
  const name = new URL(database.url).pathname.slice(1)
  for (const statement of statements) {
    await postgres.pool.query(statement.replaceAll('DATABASE', `database "${name}"`))
  }
  await postgres.close()
  return database
}

function open({ url }: TestDatabase) {
  const postgres = openPostgres({ url, connections: 10 }, () => undefined)
  onTestFinished(() => postgres.close())
  return postgres
}

describeWithPostgres('PostgreSQL', () => {
  test('reads the same values with other settings for dates, time zone and isolation', async () => {
    const database = await createDatabase(
      "alter DATABASE set datestyle = 'SQL, DMY'",
      "alter DATABASE set timezone = 'Asia/Kolkata'",
      "alter DATABASE set default_transaction_isolation = 'repeatable read'",
    )
    const store = await createPostgresStore(open(database))
    const createdAt = new Date('2026-05-11T23:59:59.987Z')
    const upload = await mintIn(store, { id: 'one', createdAt })
    expect(await store.find(upload.uid)).toEqual(upload)
    expect(upload.createdAt).toEqual(createdAt)
    const rules = { creatorQuotaSeconds: 1200, keysValidSince: after(0) }
    const outcomes = await Promise.all(
      numbered(10).map((id) => store.reserve(reservationOf({ id, creator: 'bob' }), rules)),
    )
    expect(outcomes.filter(({ kind }) => kind === 'reserved')).toHaveLength(2)
  })

  test('stores uploads in the first schema of the search path', async () => {
    const database = await createDatabase('create schema headgate')
    const first = await createPostgresStore(open(database))
    await mintIn(first, { id: 'one' })
    const url = new URL(database.url)
    const publicOnly = await openWithPublicSchema(url)
    const second = await createPostgresStore(publicOnly)
    expect(second.deployment).not.toBe(first.deployment)
    await mintIn(second, { id: 'one' })
    expect(await second.count({})).toBe(1)
    expect(await first.count({})).toBe(1)
  })

  test('rejects a database whose encoding is not UTF8', async () => {
    const database = await createDatabase()
    const name = `latin_${new URL(database.url).pathname.slice(1)}`
    const postgres = open(database)
    await postgres.pool.query(
      `create database ${name} template template0 encoding 'LATIN1' locale 'C'`,
    )
    const url = new URL(database.url)
    url.pathname = name
    const latin = openPostgres({ url: url.href, connections: 1 }, () => undefined)
    await expect(createPostgresStore(latin)).rejects.toThrow(/encoded in LATIN1.*UTF8/)
    await latin.close()
    await postgres.pool.query(`drop database ${name}`)
  })

  test('counts rate limits above the range of 32-bit integers', async () => {
    const database = await createDatabase()
    const postgres = open(database)
    await createPostgresStore(postgres)
    const rateLimiter = createPostgresRateLimiter(postgres)
    const windows = [{ limit: 10_000_000_000, windowMs: 60_000 }]
    expect(retryAfterOf(await rateLimiter.consume('key', windows))).toBeNull()
    expect(await rateLimiter.countConsumed('key', 60_000)).toBe(1)
  })
})

/** Sets the search path to `public`, so that a schema named after the user is ignored. */
async function openWithPublicSchema(url: URL) {
  const settings = openPostgres({ url: url.href, connections: 1 }, () => undefined)
  const name = url.pathname.slice(1)
  await settings.pool.query(`alter database "${name}" set search_path = public`)
  await settings.close()
  return open({ url: url.href, drop: () => Promise.resolve() })
}
