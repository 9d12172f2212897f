/** The store's writes share commits, and nobody can tell: neither by outcomes nor by what is kept. */
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { createSqliteStore } from '../../src/store/sqlite/sqlite-store.ts'
import type { UploadStore } from '../../src/uploads/ports/upload-store.ts'
import { numbered, uidOf, uploadURLOf } from '../contracts/store-suite.ts'
import { after, reservationOf } from '../kit/samples.ts'
import { type Operation, operations } from './store-operations.ts'

/** What an operation came to: its answer, or that it was a surprise. */
async function outcomeOf(store: UploadStore, { perform }: Operation): Promise<unknown> {
  try {
    return await perform(store)
  } catch (error) {
    return error instanceof Error ? error.message : error
  }
}

/** All that the store tells of what it keeps. */
async function tellAll(store: UploadStore): Promise<unknown> {
  return {
    uploads: await store.list({}, { direction: 'older', limit: 99 }),
    reservations: await store.pendingReservations(after(99), 99),
    history: await store.historyOf(['a', 'b', 'c', 'd', 'e']),
    due: await store.claimDue(after(99), 99, after(99)),
    holdings: await store.quotaUsage(),
    counts: await store.countByStatus(),
  }
}

test('writes that come at once end as they would have, one after the other', async () => {
  await fc.assert(
    fc.asyncProperty(operations, async (all) => {
      const [atOnce, inTurn] = [createSqliteStore(':memory:'), createSqliteStore(':memory:')]
      // Those that look before they write look at once: they stand where all were asked for.
      const writes = all.filter(({ what }) => !what.startsWith('drop'))
      const together = await Promise.all(writes.map((one) => outcomeOf(atOnce, one)))
      const alone: unknown[] = []
      for (const one of writes) alone.push(await outcomeOf(inTurn, one))
      expect(together).toEqual(alone)
      expect(await tellAll(atOnce)).toEqual(await tellAll(inTurn))
      await atOnce.close()
      await inTurn.close()
    }),
    { numRuns: 150 },
  )
})

test('of many mints the one whose uid is taken fails, and fails alone', async () => {
  const store = createSqliteStore(':memory:')
  const ids = numbered(50)
  const rules = { creatorQuotaSeconds: null, forgetKeysBefore: after(0) }
  await Promise.all(ids.map((id) => store.reserve(reservationOf({ id }), rules)))
  const outcomes = await Promise.allSettled(
    ids.map((id) => {
      const uid = uidOf(id === '0030' ? '0007' : id)
      return store.mint(id, { uid, uploadURL: uploadURLOf(id) }, after(1), after(15))
    }),
  )
  expect(ids.filter((_, place) => outcomes[place]?.status === 'rejected')).toEqual(['0030'])
  expect(await store.count({})).toBe(49)
  expect(await store.countReservations()).toBe(1)
  expect((await store.historyOf(['0030'])).get('0030')).toEqual([])
  await store.close()
})

test('what was asked for before the store was closed is kept, and answered', async () => {
  const store = createSqliteStore(':memory:')
  const rules = { creatorQuotaSeconds: null, forgetKeysBefore: after(0) }
  const reserved = store.reserve(reservationOf(), rules)
  await store.close()
  expect(await reserved).toEqual({ kind: 'reserved' })
  await expect(store.reserve(reservationOf({ id: 'late' }), rules)).rejects.toThrow(/open/)
})
