/** Group commits do not change outcomes or stored rows compared with separate commits. */
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { createSqliteStore } from '../../src/store/sqlite/sqlite-store.ts'
import type { UploadStore } from '../../src/uploads/ports/upload-store.ts'
import { numbered, uidOf, uploadURLOf } from '../contracts/store-suite.ts'
import { after, reservationOf } from '../kit/samples.ts'
import { type Operation, operations } from './store-operations.ts'

/** Returns the result of an operation, or the message of its error. */
async function outcomeOf(store: UploadStore, { perform }: Operation): Promise<unknown> {
  try {
    return await perform(store)
  } catch (error) {
    return error instanceof Error ? error.message : error
  }
}

/** Reads everything that the store returns. */
async function readAll(store: UploadStore): Promise<unknown> {
  return {
    uploads: await store.list({}, { direction: 'older', limit: 99 }),
    reservations: await store.pendingReservations(after(99), 99),
    history: await store.historyOf(['a', 'b', 'c', 'd', 'e']),
    due: await store.findDue(after(99), 99),
    quotaUsage: await store.quotaUsage(),
    counts: await store.countByStatus(),
  }
}

test('concurrent writes have the same outcomes as sequential writes', async () => {
  await fc.assert(
    fc.asyncProperty(operations, async (all) => {
      const [concurrent, sequential] = [
        createSqliteStore(':memory:'),
        createSqliteStore(':memory:'),
      ]
      // Operations that read before they write would read the state before the others.
      const writes = all.filter(({ name }) => !name.startsWith('delete'))
      const concurrentOutcomes = await Promise.all(
        writes.map((write) => outcomeOf(concurrent, write)),
      )
      const sequentialOutcomes: unknown[] = []
      for (const write of writes) sequentialOutcomes.push(await outcomeOf(sequential, write))
      expect(concurrentOutcomes).toEqual(sequentialOutcomes)
      expect(await readAll(concurrent)).toEqual(await readAll(sequential))
      await concurrent.close()
      await sequential.close()
    }),
    { numRuns: 150 },
  )
})

test('rejects only the mint whose uid is taken among many', async () => {
  const store = createSqliteStore(':memory:')
  const ids = numbered(50)
  const rules = { creatorQuotaSeconds: null, keysValidSince: after(0) }
  await Promise.all(ids.map((id) => store.reserve(reservationOf({ id }), rules)))
  const outcomes = await Promise.allSettled(
    ids.map((id) => {
      const uid = uidOf(id === '0030' ? '0007' : id)
      const minted = { uid, uploadURL: uploadURLOf(id) }
      return store.mint(reservationOf({ id }), minted, after(1), after(15))
    }),
  )
  expect(ids.filter((_, place) => outcomes[place]?.status === 'rejected')).toEqual(['0030'])
  expect(await store.count({})).toBe(49)
  expect(await store.countReservations()).toBe(1)
  expect((await store.historyOf(['0030'])).get('0030')).toEqual([])
  await store.close()
})

test('commits and resolves writes requested before close', async () => {
  const store = createSqliteStore(':memory:')
  const rules = { creatorQuotaSeconds: null, keysValidSince: after(0) }
  const reserved = store.reserve(reservationOf(), rules)
  await store.close()
  expect(await reserved).toEqual({ kind: 'reserved' })
  await expect(store.reserve(reservationOf({ id: 'late' }), rules)).rejects.toThrow(/open/)
})
