/** Queries of the D1 store: Cloudflare bills and limits by query, and each round trip takes time. */
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { createD1Store } from '../../src/store/d1/d1-store.ts'
import type { UploadStore } from '../../src/uploads/ports/upload-store.ts'
import { changeOf, unlimited, mintIn, numbered, uidOf } from '../contracts/store-suite.ts'
import { type D1Server, type Query, observeQueries, startD1 } from '../kit/d1.ts'
import { after, reservationOf } from '../kit/samples.ts'

let server: D1Server
beforeAll(async () => {
  server = await startD1()
})
afterAll(() => server.stop())

/** A store, and the round trips it made since the last call of `takeRoundTrips`. */
async function openObserved() {
  const { database, drop } = await server.create()
  onTestFinished(drop)
  let roundTrips: (readonly Query[])[] = []
  const store = await createD1Store(observeQueries(database, (queries) => roundTrips.push(queries)))
  const opening = roundTrips
  const takeRoundTrips = () => {
    const completed = roundTrips
    roundTrips = []
    return completed
  }
  return { store, database, opening, takeRoundTrips }
}

const rules = { creatorQuotaSeconds: 6000, keysValidSince: after(0) }
const all = { direction: 'older', limit: 20 } as const

/** Each call of the port with its number of queries. Each call makes exactly one round trip. */
const calls: readonly (readonly [string, number, (store: UploadStore) => Promise<unknown>])[] = [
  ['reserve', 1, (store) => store.reserve(reservationOf({ id: 'a' }), unlimited)],
  ['reserve with a quota', 2, (store) => store.reserve(reservationOf({ id: 'b' }), rules)],
  [
    'reserve with a key and a quota',
    4,
    (store) => store.reserve(reservationOf({ id: 'c', idempotencyKey: 'key' }), rules),
  ],
  [
    'reserve with a token and a quota',
    3,
    (store) =>
      store.reserve(reservationOf({ id: 'd' }), {
        ...rules,
        tokenLimit: { tokenId: 'link', maxUploads: 1 },
      }),
  ],
  ['countByToken', 1, (store) => store.countByToken('link')],
  ['findByKey', 1, (store) => store.findByKey('alice', 'key', after(0))],
  [
    'mint',
    2,
    (store) =>
      store.mint(reservationOf({ id: 'one' }), { uid: 'a', uploadURL: 'b' }, after(1), after(15)),
  ],
  ['release', 1, (store) => store.release('one')],
  ['pendingReservations', 1, (store) => store.pendingReservations(after(9), 10)],
  ['retire', 1, (store) => store.retire('one')],
  ['deleteRetiredBefore', 1, (store) => store.deleteRetiredBefore(after(9))],
  ['findReferences', 1, (store) => store.findReferences(numbered(2000))],
  ['find', 1, async (store) => store.find('uid')],
  ['findMany', 1, (store) => store.findMany(numbered(2000))],
  ['historyOf', 1, (store) => store.historyOf(numbered(2000))],
  ['list', 1, (store) => store.list({ statuses: ['READY'], creator: 'alice' }, all)],
  ['count', 1, (store) => store.count({})],
  ['count by time', 1, (store) => store.count({ createdAfter: after(0) })],
  ['countByStatus', 1, (store) => store.countByStatus()],
  ['countReservations', 1, (store) => store.countReservations()],
  ['quotaUsage', 1, (store) => store.quotaUsage()],
  ['findDue', 1, (store) => store.findDue(after(99), 50)],
  ['oldestDuePoll', 1, (store) => store.oldestDuePoll()],
  [
    'reschedulePolls',
    1,
    (store) =>
      store.reschedulePolls(
        numbered(1000).map((uid) => ({ uid, version: 1, pollAt: null, idlePolls: 1 })),
      ),
  ],
  ['saveUnmatchedWebhook', 1, (store) => store.saveUnmatchedWebhook('uid', 'body', after(0))],
  ['unmatchedWebhooks', 1, (store) => store.unmatchedWebhooks('uid')],
  ['deleteUnmatchedWebhooks', 1, (store) => store.deleteUnmatchedWebhooks('uid')],
  ['deleteUnmatchedWebhooksBefore', 1, (store) => store.deleteUnmatchedWebhooksBefore(after(0))],
  ['ping', 1, (store) => store.ping()],
]

test.each(calls)('%s: %i queries in one round trip', async (_name, queries, call) => {
  const { store, takeRoundTrips } = await openObserved()
  await store.reserve(reservationOf({ id: 'one' }), unlimited)
  takeRoundTrips()
  await call(store)
  const roundTrips = takeRoundTrips()
  expect(roundTrips.map((roundTrip) => roundTrip.length)).toEqual([queries])
  expect(roundTrips.flat().filter(exceeds)).toEqual([])
})

test('saveVersion makes 1 query, or 2 with an event, in one round trip', async () => {
  const { store, takeRoundTrips } = await openObserved()
  const upload = await mintIn(store, { id: 'one' })
  const next = changeOf(upload, { status: 'QUEUED' })
  takeRoundTrips()
  await store.saveVersion(next)
  const event = { status: 'READY', source: 'SYNC', at: after(5) } as const
  await store.saveVersion(changeOf(next.upload, { status: 'READY' }, { event }))
  const roundTrips = takeRoundTrips()
  expect(roundTrips.map((roundTrip) => roundTrip.length)).toEqual([1, 2])
  expect(roundTrips.flat().filter(exceeds)).toEqual([])
})

test('makes no query when there is nothing to read or write', async () => {
  const { store, takeRoundTrips } = await openObserved()
  takeRoundTrips()
  await store.findMany([])
  expect(await store.renewWatchLeases(['b', 'a'], after(0), after(9), true)).toEqual(['a', 'b'])
  await store.reschedulePolls([])
  await store.releaseSweepLease(after(1))
  expect(await store.acquireSweepLease(after(2), after(9))).toEqual({ sweptUntil: after(1) })
  await store.runMaintenance(after(0))
  expect(takeRoundTrips()).toEqual([])
})

test('opens a store in one round trip', async () => {
  const { opening } = await openObserved()
  expect(opening).toHaveLength(1)
  expect(opening.flat().length).toBeLessThanOrEqual(10)
  expect(opening.flat().filter(exceeds)).toEqual([])
})

/**
 * Whether a query exceeds a limit of D1 that a local workerd does not enforce.
 * https://developers.cloudflare.com/d1/platform/limits/
 */
function exceeds({ source, values }: Query): boolean {
  // A function takes at most 32 arguments, which a row packed into one `json_array` call would exceed.
  return values.length > 100 || source.length > 100_000 || source.includes('json_array')
}

test('finds 2,000 uids in one query and reschedules 1,000 polls in one query', async () => {
  const { store, database } = await openObserved()
  const ids = numbered(60)
  for (const id of ids) await mintIn(store, { id })
  const many = [...numbered(2000), ...ids].map(uidOf)
  expect((await store.findMany(many)).map(({ id }) => id).toSorted()).toEqual(ids)
  await store.reschedulePolls(
    numbered(1000).map((id, index) => ({
      uid: uidOf(id),
      version: index === 7 ? 2 : 1,
      pollAt: index === 8 ? null : after(100 + index),
      idlePolls: index,
    })),
  )
  const rows = await database.prepare('select check_at, idle_checks from uploads order by id').raw()
  expect(rows).toEqual(
    ids.map((_, index) => {
      // This poll was computed for a version that does not exist.
      if (index === 7) return [after(15).getTime(), 0]
      return [index === 8 ? null : after(100 + index).getTime(), index]
    }),
  )
})

test('finds rows by an index in every query', async () => {
  const { store, database, takeRoundTrips } = await openObserved()
  await store.reserve(reservationOf({ id: 'one' }), unlimited)
  takeRoundTrips()
  for (const [, , call] of calls) await call(store)
  const sources = new Set(
    takeRoundTrips().flatMap((roundTrip) => roundTrip.map(({ source }) => source)),
  )
  const steps = await Promise.all(
    [...sources].map(async (source) => {
      const values = Array.from(source.matchAll(/\?/g), () => null)
      const plan = await database
        .prepare(`explain query plan ${source}`)
        .bind(...values)
        .raw()
      return plan.map((row) => [source, row.at(-1)] as const)
    }),
  )
  // The count of reservations reads all entries of their index; Workers have no metrics, and do not call it.
  const allowed = 'json_each\\b|CONSTANT|counted$|uploads USING COVERING INDEX uploads_unsettled$'
  const scan = new RegExp(`^SCAN (?!${allowed})`)
  const scans = steps.flat().filter(([, step]) => scan.test(String(step)))
  expect(scans).toEqual([])
})
