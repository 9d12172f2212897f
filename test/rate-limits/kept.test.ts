/** The allowances of the hub: the contract of every adapter, and what a hub that begins anew makes of them. */
import Database from 'better-sqlite3'
import { expect, test } from 'vitest'
import { openKeptAllowances } from '../../src/worker/hub/persistent-rate-limiter.ts'
import { describeAllowances } from '../contracts/rate-limiter.ts'

/** SQLite as a Durable Object has it. */
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

describeAllowances('The hub', async (now) => ({
  allowances: await openKeptAllowances(createStorage(), now),
}))

test('a hold of a clock that was ahead is over for a hub that begins anew', async () => {
  const storage = createStorage()
  const ahead = await openKeptAllowances(storage, () => 7_200_000)
  await ahead.hold('stream', 5000)
  expect(await ahead.take('stream', [])).toBe(5)
  const right = await openKeptAllowances(storage, () => 0)
  expect(await right.take('stream', [])).toBeNull()
  await right.hold('stream', 5000)
  const again = await openKeptAllowances(storage, () => 1000)
  expect(await again.take('stream', [])).toBe(4)
})
