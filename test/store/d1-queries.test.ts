/** What the D1 keeper asks: Cloudflare bills and limits it by the query, and each way there takes time. */
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { createD1Store } from '../../src/store/d1/d1-store.ts'
import type { UploadStore } from '../../src/uploads/ports/upload-store.ts'
import { changeOf, freely, mintIn, numbered, uidOf } from '../contracts/store-suite.ts'
import { type D1Server, type Query, overhear, startD1 } from '../kit/d1.ts'
import { after, reservationOf } from '../kit/samples.ts'

let server: D1Server
beforeAll(async () => {
  server = await startD1()
})
afterAll(() => server.stop())

/** A store, and the round trips that it has made since they were last asked for. */
async function openOverheard() {
  const { database, drop } = await server.create()
  onTestFinished(drop)
  let trips: (readonly Query[])[] = []
  const store = await createD1Store(overhear(database, (queries) => trips.push(queries)))
  const opening = trips
  const takeTrips = () => {
    const taken = trips
    trips = []
    return taken
  }
  return { store, database, opening, takeTrips }
}

const rules = { creatorQuotaSeconds: 6000, forgetKeysBefore: after(0) }
const all = { direction: 'older', limit: 20 } as const

/** Each call of the port, and how many queries it makes, in one round trip; none makes two. */
const calls: readonly (readonly [string, number, (store: UploadStore) => Promise<unknown>])[] = [
  ['reserve', 1, (store) => store.reserve(reservationOf({ id: 'a' }), freely)],
  ['reserve with a quota', 2, (store) => store.reserve(reservationOf({ id: 'b' }), rules)],
  [
    'reserve with a key and a quota',
    4,
    (store) => store.reserve(reservationOf({ id: 'c', idempotencyKey: 'key' }), rules),
  ],
  ['findByKey', 1, (store) => store.findByKey('alice', 'key', after(0))],
  ['mint', 2, (store) => store.mint('one', { uid: 'a', uploadURL: 'b' }, after(1), after(15))],
  ['release', 1, (store) => store.release('one')],
  ['unsettled', 1, (store) => store.pendingReservations(after(9), 10)],
  ['retire', 1, (store) => store.retire('one')],
  ['dropRetiredBefore', 1, (store) => store.deleteRetiredBefore(after(9))],
  ['knownReferences', 1, (store) => store.findReferences(numbered(2000))],
  ['find', 1, async (store) => store.find('uid')],
  ['findMany', 1, (store) => store.findMany(numbered(2000))],
  ['historyOf', 1, (store) => store.historyOf(numbered(2000))],
  ['list', 1, (store) => store.list({ statuses: ['READY'], creator: 'alice' }, all)],
  ['count', 1, (store) => store.count({})],
  ['count by time', 1, (store) => store.count({ createdAfter: after(0) })],
  ['countByStatus', 1, (store) => store.countByStatus()],
  ['countReservations', 1, (store) => store.countReservations()],
  ['holdings', 1, (store) => store.quotaUsage()],
  ['claimDue', 2, (store) => store.claimDue(after(99), 50, after(130))],
  ['oldestDue', 1, (store) => store.oldestDuePoll()],
  [
    'reschedule',
    1,
    (store) =>
      store.reschedulePolls(
        numbered(1000).map((uid) => ({ uid, version: 1, pollAt: null, idlePolls: 1 })),
      ),
  ],
  ['keepNotice', 1, (store) => store.saveUnmatchedWebhook('uid', 'body', after(0))],
  ['keptNotices', 1, (store) => store.unmatchedWebhooks('uid')],
  ['dropNotices', 1, (store) => store.deleteUnmatchedWebhooks('uid')],
  ['dropNoticesBefore', 1, (store) => store.deleteUnmatchedWebhooksBefore(after(0))],
  ['ping', 1, (store) => store.ping()],
]

test.each(calls)('%s: %i queries in one round trip', async (_name, queries, call) => {
  const { store, takeTrips } = await openOverheard()
  await store.reserve(reservationOf({ id: 'one' }), freely)
  takeTrips()
  await call(store)
  const trips = takeTrips()
  expect(trips.map((asked) => asked.length)).toEqual([queries])
  expect(trips.flat().filter(exceeds)).toEqual([])
})

test('advance: 1 query, or 2 with an event, in one round trip', async () => {
  const { store, takeTrips } = await openOverheard()
  const upload = await mintIn(store, { id: 'one' })
  const next = changeOf(upload, { status: 'QUEUED' })
  takeTrips()
  await store.saveVersion(next)
  const event = { status: 'READY', source: 'SYNC', at: after(5) } as const
  await store.saveVersion(changeOf(next.upload, { status: 'READY' }, { event }))
  const trips = takeTrips()
  expect(trips.map((asked) => asked.length)).toEqual([1, 2])
  expect(trips.flat().filter(exceeds)).toEqual([])
})

test('what there is nothing to ask about asks nothing', async () => {
  const { store, takeTrips } = await openOverheard()
  takeTrips()
  await store.findMany([])
  expect(await store.renewWatchLeases(['b', 'a'], after(0), after(9), true)).toEqual(['a', 'b'])
  await store.reschedulePolls([])
  await store.releaseSweepLease(after(1))
  expect(await store.acquireSweepLease(after(2), after(9))).toEqual({ sweptUntil: after(1) })
  await store.runMaintenance(after(0))
  expect(takeTrips()).toEqual([])
})

test('opening a store takes one round trip', async () => {
  const { opening } = await openOverheard()
  expect(opening).toHaveLength(1)
  expect(opening.flat().length).toBeLessThan(10)
  expect(opening.flat().filter(exceeds)).toEqual([])
})

/**
 * Of the limits, those that workerd on one's own machine does not all keep.
 * https://developers.cloudflare.com/d1/platform/limits/
 */
function exceeds({ source, values }: Query): boolean {
  // No function takes more than 32 arguments, as a row packed into one would have.
  return values.length > 100 || source.length > 100_000 || source.includes('json_array')
}

test('a list of 2,000 is found in one query, and each check of a thousand is put off', async () => {
  const { store, database } = await openOverheard()
  const ids = numbered(60)
  for (const id of ids) await mintIn(store, { id })
  const many = [...numbered(2000), ...ids].map(uidOf)
  expect((await store.findMany(many)).map(({ id }) => id).toSorted()).toEqual(ids)
  await store.reschedulePolls(
    numbered(1000).map((id, place) => ({
      uid: uidOf(id),
      version: place === 7 ? 2 : 1,
      pollAt: place === 8 ? null : after(100 + place),
      idlePolls: place,
    })),
  )
  const rows = await database.prepare('select check_at, idle_checks from uploads order by id').raw()
  expect(rows).toEqual(
    ids.map((_, place) => {
      // One was decided for a version that is not there.
      if (place === 7) return [after(15).getTime(), 0]
      return [place === 8 ? null : after(100 + place).getTime(), place]
    }),
  )
})

test('what reads many rows finds them by an index', async () => {
  const { store, database, takeTrips } = await openOverheard()
  await store.reserve(reservationOf({ id: 'one' }), freely)
  takeTrips()
  for (const [, , call] of calls) await call(store)
  const sources = new Set(takeTrips().flatMap((asked) => asked.map(({ source }) => source)))
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
  const scans = steps
    .flat()
    .filter(([, step]) => /^SCAN (?!json_each\b|CONSTANT|counted$)/.test(String(step)))
  expect(scans).toEqual([])
})
