/** Runs the RateLimiter contract against the hub's adapter, and tests a restart of the hub. */
import Database from 'better-sqlite3'
import { expect, test } from 'vitest'
import { openPersistentRateLimiter } from '../../src/worker/hub/persistent-rate-limiter.ts'
import { describeRateLimiter } from '../contracts/rate-limiter.ts'
import { retryAfterOf } from '../contracts/rate-limiter-suite.ts'

/** A SQLite storage with the interface of a Durable Object. */
function createStorage() {
  const connection = new Database(':memory:')
  const exec = (source: string, ...values: readonly (string | number)[]) => {
    const statement = connection.prepare<unknown[], Record<string, unknown>>(source)
    if (statement.reader) return { toArray: () => statement.all(...values) }
    statement.run(...values)
    return { toArray: () => [] }
  }
  return { sql: { exec } }
}

describeRateLimiter('The hub', async (now) => ({
  rateLimiter: await openPersistentRateLimiter(createStorage(), now),
}))

test('a block of a clock that was ahead ends when the hub restarts', async () => {
  const storage = createStorage()
  const ahead = await openPersistentRateLimiter(storage, () => 7_200_000)
  await ahead.block('stream', 5000)
  expect(retryAfterOf(await ahead.consume('stream', []))).toBe(5)
  const right = await openPersistentRateLimiter(storage, () => 0)
  expect(retryAfterOf(await right.consume('stream', []))).toBeNull()
  await right.block('stream', 5000)
  const again = await openPersistentRateLimiter(storage, () => 1000)
  expect(retryAfterOf(await again.consume('stream', []))).toBe(4)
})
