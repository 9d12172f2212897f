/** Contract of an UploadStore: reservations, keys and quotas. */
import { describe, expect, test } from 'vitest'
import type { Reservation } from '../../src/uploads/ports/upload-store.ts'
import type { UploadConstraints } from '../../src/uploads/upload.ts'
import { after, reservationOf, uploadOf } from '../kit/samples.ts'
import { type Suite, changeOf, freely, numbered, uidOf, uploadURLOf } from './store-suite.ts'

/** A reservation of alice with the one key that the tests of keys are about. */
function keyed(id: string): Reservation {
  return reservationOf({ id, idempotencyKey: 'key', fingerprint: id })
}

const { constraints } = reservationOf()

function lasting(maxDurationSeconds: number): UploadConstraints {
  return { ...constraints, maxDurationSeconds }
}

export function describeReserving({ store, mint }: Suite): void {
  describe('reserving and minting', () => {
    test('a reservation is no upload yet', async () => {
      expect(await store().reserve(reservationOf(), freely)).toEqual({ kind: 'reserved' })
      expect(await store().count({})).toBe(0)
      expect(await store().list({}, { direction: 'older', limit: 9 })).toEqual([])
      expect(await store().claimDue(after(1e6), 9, after(2e6))).toEqual([])
      expect((await store().historyOf(['reference'])).get('reference') ?? []).toEqual([])
    })

    test('minting makes it one, with its first event', async () => {
      await store().reserve(reservationOf(), freely)
      const minted = { uid: 'uid', uploadURL: 'https://upload.example.com/x' }
      const upload = await store().mint('reference', minted, after(2), after(17))
      expect(upload).toEqual(uploadOf({ ...minted, updatedAt: after(2) }))
      expect(await store().find('uid')).toEqual(upload)
      expect((await store().historyOf(['reference'])).get('reference')).toEqual([
        { status: 'PENDING_UPLOAD', source: 'MUTATION', at: after(2) },
      ])
    })

    test('what is not reserved cannot be minted', async () => {
      const minted = { uid: 'uid', uploadURL: 'https://upload.example.com/x' }
      expect(await store().mint('nobody', minted, after(2), after(17))).toBeNull()
      expect(await store().find('uid')).toBeNull()
      expect((await store().historyOf(['nobody'])).get('nobody') ?? []).toEqual([])
    })

    test('of many that mint the same reservation one does', async () => {
      await store().reserve(reservationOf(), freely)
      const minted = await Promise.all(
        numbered(10).map((n) => {
          const video = { uid: uidOf(n), uploadURL: uploadURLOf(n) }
          return store().mint('reference', video, after(2), after(17))
        }),
      )
      expect(minted.filter((upload) => upload !== null)).toHaveLength(1)
      expect(await store().count({})).toBe(1)
      expect((await store().historyOf(['reference'])).get('reference')).toHaveLength(1)
    })

    test('a reservation that is released is forgotten, an upload is not', async () => {
      await store().reserve(reservationOf({ id: 'one', idempotencyKey: 'one' }), freely)
      const upload = await mint({ id: 'two', idempotencyKey: 'two' })
      for (const id of ['one', 'two', 'nobody']) await store().release(id)
      expect(await store().findReferences(['one', 'two'])).toEqual(
        new Map([['two', { uid: upload.uid, retired: false }]]),
      )
      expect(await store().findByKey('alice', 'one', after(0))).toBeNull()
      expect(await store().find(upload.uid)).toEqual(upload)
      const minted = { uid: 'uid', uploadURL: 'https://upload.example.com/x' }
      expect(await store().mint('one', minted, after(2), after(17))).toBeNull()
    })

    test('a reservation that is given up holds nothing, and its reference is remembered', async () => {
      await store().reserve(reservationOf({ id: 'one', idempotencyKey: 'one' }), freely)
      const upload = await mint({ id: 'two', idempotencyKey: 'two' })
      for (const id of ['one', 'two', 'nobody']) await store().retire(id)
      expect(await store().findReferences(['one', 'two'])).toEqual(
        new Map([
          ['one', { uid: null, retired: true }],
          ['two', { uid: upload.uid, retired: false }],
        ]),
      )
      expect(await store().find(upload.uid)).toEqual(upload)
      expect(await store().findByKey('alice', 'one', after(0))).toBeNull()
      expect(await store().pendingReservations(after(9), 9)).toEqual([])
      expect((await store().quotaUsage()).reservedSeconds).toBe(
        upload.constraints.maxDurationSeconds,
      )
      const minted = { uid: 'uid', uploadURL: 'https://upload.example.com/x' }
      expect(await store().mint('one', minted, after(2), after(17))).toBeNull()

      await store().deleteRetiredBefore(after(0))
      expect((await store().findReferences(['one'])).size).toBe(1)
      await store().deleteRetiredBefore(after(1))
      expect((await store().findReferences(['one'])).size).toBe(0)
      expect(await store().count({})).toBe(1)
    })

    test('the unsettled are those made before a moment and not minted, oldest first', async () => {
      for (const second of [3, 1, 2, 5]) {
        await store().reserve(
          reservationOf({ id: `at-${second}`, createdAt: after(second) }),
          freely,
        )
      }
      await mint({ id: 'minted', createdAt: after(0) })
      for (const [second, limit, expected] of [
        [1, 9, []],
        [5, 9, ['at-1', 'at-2', 'at-3']],
        [5.001, 9, ['at-1', 'at-2', 'at-3', 'at-5']],
        [9, 2, ['at-1', 'at-2']],
      ] as const) {
        const unsettled = await store().pendingReservations(after(second), limit)
        expect(unsettled.map(({ id }) => id)).toEqual(expected)
      }
    })

    test('known references are told with their uid, as far as they have one', async () => {
      await store().reserve(reservationOf({ id: 'reserved' }), freely)
      await mint({ id: 'minted' })
      const known = await store().findReferences(['reserved', 'minted', 'nobody', 'minted'])
      expect(known).toEqual(
        new Map([
          ['reserved', { uid: null, retired: false }],
          ['minted', { uid: uidOf('minted'), retired: false }],
        ]),
      )
      expect(await store().findReferences([])).toEqual(new Map())
    })
  })

  describe('idempotency keys', () => {
    test('of fifty that race for one key, one gets it and the others are told whose it is', async () => {
      const outcomes = await Promise.all(
        numbered(50).map((id) => store().reserve(keyed(id), freely)),
      )
      expect(outcomes.filter(({ kind }) => kind === 'reserved')).toHaveLength(1)
      const winner = numbered(50)[outcomes.findIndex(({ kind }) => kind === 'reserved')] ?? ''
      const told = { kind: 'key-in-use', reservation: keyed(winner), upload: null }
      expect(outcomes.filter(({ kind }) => kind !== 'reserved')).toEqual(
        Array.from({ length: 49 }, () => told),
      )
      expect([...(await store().findReferences(numbered(50))).keys()]).toEqual([winner])
    })

    test('a key that led to an upload gives that upload', async () => {
      const upload = await mint({ id: 'one', idempotencyKey: 'key', fingerprint: 'one' })
      const known = { reservation: keyed('one'), upload }
      expect(await store().findByKey('alice', 'key', after(0))).toEqual(known)
      expect(await store().reserve(keyed('two'), freely)).toEqual({ kind: 'key-in-use', ...known })
    })

    test('a key belongs to whoever asked, and not to whom the upload belongs', async () => {
      await store().reserve(keyed('one'), freely)
      const byAdmin = { ...keyed('two'), requestedBy: 'admin' }
      expect(await store().reserve(byAdmin, freely)).toEqual({ kind: 'reserved' })
      const byBob = { ...keyed('three'), requestedBy: 'bob', creator: 'bob' }
      expect(await store().reserve(byBob, freely)).toEqual({ kind: 'reserved' })
      expect((await store().findByKey('admin', 'key', after(0)))?.reservation.id).toBe('two')
      expect(await store().findByKey('carol', 'key', after(0))).toBeNull()
    })

    test("whoever gives no key, or another one, is in nobody's way", async () => {
      for (const [index, idempotencyKey] of [null, null, 'a', 'A', 'a ', ''].entries()) {
        const reservation = reservationOf({ id: `reference-${index}`, idempotencyKey })
        expect(await store().reserve(reservation, freely)).toEqual({ kind: 'reserved' })
      }
    })

    test('a key is forgotten when its time is over, and the upload stays', async () => {
      const upload = await mint({ id: 'one', idempotencyKey: 'key', createdAt: after(10) })
      expect(await store().findByKey('alice', 'key', after(10))).not.toBeNull()
      expect(await store().findByKey('alice', 'key', after(10.001))).toBeNull()

      const at = { creatorQuotaSeconds: null, forgetKeysBefore: after(10) }
      const later = { creatorQuotaSeconds: null, forgetKeysBefore: after(10.001) }
      expect((await store().reserve(keyed('two'), at)).kind).toBe('key-in-use')
      expect(await store().reserve(keyed('two'), later)).toEqual({ kind: 'reserved' })
      expect((await store().findByKey('alice', 'key', after(0)))?.reservation.id).toBe('two')
      expect(await store().find(upload.uid)).toEqual(upload)
    })

    test('a key whose outcome is not known is not forgotten, however old', async () => {
      await store().reserve(keyed('one'), freely)
      const muchLater = { creatorQuotaSeconds: null, forgetKeysBefore: after(1e6) }
      expect((await store().reserve(keyed('two'), muchLater)).kind).toBe('key-in-use')
      expect((await store().findByKey('alice', 'key', after(1e6)))?.upload).toBeNull()
    })

    test('the key of a released reservation is free', async () => {
      await store().reserve(keyed('one'), freely)
      await store().release('one')
      expect(await store().reserve(keyed('two'), freely)).toEqual({ kind: 'reserved' })
    })
  })

  describe('quotas', () => {
    const within = { creatorQuotaSeconds: 600, forgetKeysBefore: after(0) }

    test('a reservation may fill the quota, and not a second more', async () => {
      const most = reservationOf({ id: 'a', constraints: lasting(600) })
      const tooMuch = reservationOf({ id: 'b', constraints: lasting(601) })
      expect(await store().reserve(tooMuch, within)).toEqual({ kind: 'over-quota', heldSeconds: 0 })
      expect(await store().reserve(most, within)).toEqual({ kind: 'reserved' })
      const another = reservationOf({ id: 'c', constraints: lasting(1) })
      expect(await store().reserve(another, within)).toEqual({
        kind: 'over-quota',
        heldSeconds: 600,
      })
      expect(await store().reserve({ ...another, creator: 'bob' }, within)).toEqual({
        kind: 'reserved',
      })
    })

    test('of fifty that race for room, as many get in as fit', async () => {
      const outcomes = await Promise.all(
        numbered(50).map((id) =>
          store().reserve(reservationOf({ id, constraints: lasting(60) }), within),
        ),
      )
      expect(outcomes.filter(({ kind }) => kind === 'reserved')).toHaveLength(10)
      expect(await store().quotaUsage('alice')).toEqual({ reservedSeconds: 600, storedSeconds: 0 })
    })

    test('what is refused leaves nothing behind, not even its key', async () => {
      const tooMuch = reservationOf({
        id: 'b',
        constraints: lasting(601),
        idempotencyKey: 'key',
      })
      await store().reserve(tooMuch, within)
      expect(await store().findReferences(['b'])).toEqual(new Map())
      expect(await store().findByKey('alice', 'key', after(0))).toBeNull()
      expect(await store().quotaUsage()).toEqual({ reservedSeconds: 0, storedSeconds: 0 })
    })

    test('stored seconds count as reserved ones do, and what is let go is free', async () => {
      const upload = await mint({ id: 'a', constraints: lasting(600) })
      const wanted = reservationOf({ id: 'b', constraints: lasting(500) })
      const stored = { reservedSeconds: 0, storedSeconds: 200 }
      await store().saveVersion(changeOf(upload, { status: 'READY' }, { holds: stored }))
      expect(await store().reserve(wanted, within)).toEqual({
        kind: 'over-quota',
        heldSeconds: 200,
      })
      await store().saveVersion(changeOf(upload, { status: 'DELETED', version: 3 }))
      expect(await store().reserve(wanted, within)).toEqual({ kind: 'reserved' })
    })

    test('a key that comes back gets its upload, however full the quota', async () => {
      await mint({ id: 'a', constraints: lasting(600), idempotencyKey: 'key' })
      const again = reservationOf({ id: 'b', constraints: lasting(600), idempotencyKey: 'key' })
      expect((await store().reserve(again, within)).kind).toBe('key-in-use')
    })
  })

  describe('holdings', () => {
    test('are of one creator or of all, from the reservation on', async () => {
      expect(await store().quotaUsage()).toEqual({ reservedSeconds: 0, storedSeconds: 0 })
      await store().reserve(reservationOf({ id: 'a', constraints: lasting(60) }), freely)
      const upload = await mint({ id: 'b', constraints: lasting(120), creator: 'bob' })
      await mint({ id: 'c', constraints: lasting(240), creator: 'bob' })
      const holds = { reservedSeconds: 0, storedSeconds: 13 }
      await store().saveVersion(changeOf(upload, { status: 'READY' }, { holds }))

      expect(await store().quotaUsage('alice')).toEqual({ reservedSeconds: 60, storedSeconds: 0 })
      expect(await store().quotaUsage('bob')).toEqual({ reservedSeconds: 240, storedSeconds: 13 })
      expect(await store().quotaUsage('nobody')).toEqual({ reservedSeconds: 0, storedSeconds: 0 })
      expect(await store().quotaUsage()).toEqual({ reservedSeconds: 300, storedSeconds: 13 })
      await store().release('a')
      expect(await store().quotaUsage()).toEqual({ reservedSeconds: 240, storedSeconds: 13 })
    })
  })
}
