/** UploadStore contract: reservations, idempotency keys, limits of tokens, and quotas. */
import { describe, expect, test } from 'vitest'
import type { Reservation, ReserveOptions } from '../../src/uploads/ports/upload-store.ts'
import type { UploadConstraints } from '../../src/uploads/upload.ts'
import { after, reservationOf, uploadOf } from '../kit/samples.ts'
import { type Suite, changeOf, unlimited, numbered, uidOf, uploadURLOf } from './store-suite.ts'

/** A reservation of alice with the key that the tests of keys use. */
function keyed(id: string): Reservation {
  return reservationOf({ id, idempotencyKey: 'key', fingerprint: id })
}

/** No limit but that of the token. */
function rulesFor(tokenId: string, maxUploads: number): ReserveOptions {
  return { ...unlimited, tokenLimit: { tokenId, maxUploads } }
}

const { constraints } = reservationOf()

function constraintsFor(maxDurationSeconds: number): UploadConstraints {
  return { ...constraints, maxDurationSeconds }
}

export function describeReserving({ store, mint, reopen }: Suite): void {
  describe('reserve and mint', () => {
    test('a reservation is not an upload', async () => {
      expect(await store().reserve(reservationOf(), unlimited)).toEqual({ kind: 'reserved' })
      expect(await store().count({})).toBe(0)
      expect(await store().list({}, { direction: 'older', limit: 9 })).toEqual([])
      expect(await store().findDue(after(1e6), 9)).toEqual([])
      expect((await store().historyOf(['reference'])).get('reference') ?? []).toEqual([])
    })

    test('mint creates an upload with its first event', async () => {
      await store().reserve(reservationOf(), unlimited)
      const minted = { uid: 'uid', uploadURL: 'https://upload.example.com/x' }
      const upload = await store().mint(reservationOf(), minted, after(2), after(17))
      expect(upload).toEqual(uploadOf({ ...minted, updatedAt: after(2) }))
      expect(await store().find('uid')).toEqual(upload)
      expect((await store().historyOf(['reference'])).get('reference')).toEqual([
        { status: 'PENDING_UPLOAD', source: 'MUTATION', at: after(2) },
      ])
    })

    test('mint returns null for an unknown reservation', async () => {
      const minted = { uid: 'uid', uploadURL: 'https://upload.example.com/x' }
      expect(
        await store().mint(reservationOf({ id: 'nobody' }), minted, after(2), after(17)),
      ).toBeNull()
      expect(await store().find('uid')).toBeNull()
      expect((await store().historyOf(['nobody'])).get('nobody') ?? []).toEqual([])
    })

    test('mint succeeds once for concurrent calls with one reservation', async () => {
      await store().reserve(reservationOf(), unlimited)
      const minted = await Promise.all(
        numbered(10).map((n) => {
          const video = { uid: uidOf(n), uploadURL: uploadURLOf(n) }
          return store().mint(reservationOf(), video, after(2), after(17))
        }),
      )
      expect(minted.filter((upload) => upload !== null)).toHaveLength(1)
      expect(await store().count({})).toBe(1)
      expect((await store().historyOf(['reference'])).get('reference')).toHaveLength(1)
    })

    test('release deletes a reservation and keeps an upload', async () => {
      await store().reserve(reservationOf({ id: 'one', idempotencyKey: 'one' }), unlimited)
      const upload = await mint({ id: 'two', idempotencyKey: 'two' })
      for (const id of ['one', 'two', 'nobody']) await store().release(id)
      expect(await store().findReferences(['one', 'two'])).toEqual(
        new Map([['two', { uid: upload.uid, retired: false }]]),
      )
      expect(await store().findByKey('alice', 'one', after(0))).toBeNull()
      expect(await store().find(upload.uid)).toEqual(upload)
      const minted = { uid: 'uid', uploadURL: 'https://upload.example.com/x' }
      expect(
        await store().mint(reservationOf({ id: 'one' }), minted, after(2), after(17)),
      ).toBeNull()
    })

    test('retire frees quota and key, and keeps the reference', async () => {
      await store().reserve(reservationOf({ id: 'one', idempotencyKey: 'one' }), unlimited)
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
      expect(
        await store().mint(reservationOf({ id: 'one' }), minted, after(2), after(17)),
      ).toBeNull()

      await store().deleteRetiredBefore(after(0))
      expect((await store().findReferences(['one'])).size).toBe(1)
      await store().deleteRetiredBefore(after(1))
      expect((await store().findReferences(['one'])).size).toBe(0)
      expect(await store().count({})).toBe(1)
    })

    test('pendingReservations returns those created before a given time, oldest first', async () => {
      for (const second of [3, 1, 2, 5]) {
        await store().reserve(
          reservationOf({ id: `at-${second}`, createdAt: after(second) }),
          unlimited,
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

    test('findReferences returns the uid of each known reference, or null', async () => {
      await store().reserve(reservationOf({ id: 'reserved' }), unlimited)
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
    test('accepts one of 50 concurrent reservations and returns it to the others', async () => {
      const outcomes = await Promise.all(
        numbered(50).map((id) => store().reserve(keyed(id), unlimited)),
      )
      expect(outcomes.filter(({ kind }) => kind === 'reserved')).toHaveLength(1)
      const winner = numbered(50)[outcomes.findIndex(({ kind }) => kind === 'reserved')] ?? ''
      const keyInUse = { kind: 'key-in-use', reservation: keyed(winner), upload: null }
      expect(outcomes.filter(({ kind }) => kind !== 'reserved')).toEqual(
        Array.from({ length: 49 }, () => keyInUse),
      )
      expect([...(await store().findReferences(numbered(50))).keys()]).toEqual([winner])
    })

    test('returns the upload of a key in use', async () => {
      const upload = await mint({ id: 'one', idempotencyKey: 'key', fingerprint: 'one' })
      const known = { reservation: keyed('one'), upload }
      expect(await store().findByKey('alice', 'key', after(0))).toEqual(known)
      expect(await store().reserve(keyed('two'), unlimited)).toEqual({
        kind: 'key-in-use',
        ...known,
      })
    })

    test('separates keys by requester, not by creator', async () => {
      await store().reserve(keyed('one'), unlimited)
      const byAdmin = { ...keyed('two'), requestedBy: 'admin' }
      expect(await store().reserve(byAdmin, unlimited)).toEqual({ kind: 'reserved' })
      const byBob = { ...keyed('three'), requestedBy: 'bob', creator: 'bob' }
      expect(await store().reserve(byBob, unlimited)).toEqual({ kind: 'reserved' })
      expect((await store().findByKey('admin', 'key', after(0)))?.reservation.id).toBe('two')
      expect(await store().findByKey('carol', 'key', after(0))).toBeNull()
    })

    test('accepts reservations without a key or with another key', async () => {
      for (const [index, idempotencyKey] of [null, null, 'a', 'A', 'a ', ''].entries()) {
        const reservation = reservationOf({ id: `reference-${index}`, idempotencyKey })
        expect(await store().reserve(reservation, unlimited)).toEqual({ kind: 'reserved' })
      }
    })

    test('releases a key when it expires and keeps the upload', async () => {
      const upload = await mint({ id: 'one', idempotencyKey: 'key', createdAt: after(10) })
      expect(await store().findByKey('alice', 'key', after(10))).not.toBeNull()
      expect(await store().findByKey('alice', 'key', after(10.001))).toBeNull()

      const at = { creatorQuotaSeconds: null, keysValidSince: after(10) }
      const later = { creatorQuotaSeconds: null, keysValidSince: after(10.001) }
      expect((await store().reserve(keyed('two'), at)).kind).toBe('key-in-use')
      expect(await store().reserve(keyed('two'), later)).toEqual({ kind: 'reserved' })
      expect((await store().findByKey('alice', 'key', after(0)))?.reservation.id).toBe('two')
      expect(await store().find(upload.uid)).toEqual(upload)
    })

    test('keeps the key of an old pending reservation', async () => {
      await store().reserve(keyed('one'), unlimited)
      const muchLater = { creatorQuotaSeconds: null, keysValidSince: after(1e6) }
      expect((await store().reserve(keyed('two'), muchLater)).kind).toBe('key-in-use')
      expect((await store().findByKey('alice', 'key', after(1e6)))?.upload).toBeNull()
    })

    test('releases the key of a released reservation', async () => {
      await store().reserve(keyed('one'), unlimited)
      await store().release('one')
      expect(await store().reserve(keyed('two'), unlimited)).toEqual({ kind: 'reserved' })
    })
  })

  describe('limits of tokens', () => {
    test('accepts as many reservations as the token allows, whoever sends it', async () => {
      const rules = rulesFor('link', 2)
      expect(await store().reserve(reservationOf({ id: 'a' }), rules)).toEqual({ kind: 'reserved' })
      const ofBob = reservationOf({ id: 'b', creator: 'bob', requestedBy: 'bob' })
      expect(await store().reserve(ofBob, rules)).toEqual({ kind: 'reserved' })
      const third = reservationOf({ id: 'c' })
      expect(await store().reserve(third, rules)).toEqual({ kind: 'token-used-up' })
      expect(await store().findReferences(['c'])).toEqual(new Map())
      expect(await store().countByToken('link')).toBe(2)
      expect(await store().reserve(third, rulesFor('other', 1))).toEqual({ kind: 'reserved' })
      expect(await store().reserve(reservationOf({ id: 'd' }), unlimited)).toEqual({
        kind: 'reserved',
      })
    })

    test('accepts exactly as many of 100 concurrent reservations', async () => {
      const outcomes = await Promise.all(
        numbered(100).map((id) => store().reserve(reservationOf({ id }), rulesFor('link', 2))),
      )
      expect(outcomes.filter(({ kind }) => kind === 'reserved')).toHaveLength(2)
      expect(outcomes.filter(({ kind }) => kind === 'token-used-up')).toHaveLength(98)
      expect(await store().countByToken('link')).toBe(2)
    })

    test('counts no reservation that was released or retired', async () => {
      for (const give of ['release', 'retire'] as const) {
        const rules = rulesFor(give, 1)
        await store().reserve(reservationOf({ id: give }), rules)
        await store()[give](give)
        expect(await store().countByToken(give)).toBe(0)
        expect(await store().reserve(reservationOf({ id: `${give} again` }), rules)).toEqual({
          kind: 'reserved',
        })
      }
    })

    test('counts an upload whatever becomes of it, also after a restart', async () => {
      for (const status of ['ERROR', 'EXPIRED', 'DELETED', 'READY'] as const) {
        const reservation = reservationOf({ id: status })
        await store().reserve(reservation, rulesFor('link', 4))
        const video = { uid: uidOf(status), uploadURL: uploadURLOf(status) }
        const upload = await store().mint(reservation, video, after(2), after(17))
        if (upload === null) throw new Error('The upload was not minted.')
        await store().saveVersion(changeOf(upload, { status }))
      }
      await reopen()
      expect(await store().countByToken('link')).toBe(4)
      expect(await store().reserve(reservationOf({ id: 'next' }), rulesFor('link', 4))).toEqual({
        kind: 'token-used-up',
      })
    })

    test('returns the upload of a repeated key although the token is used up', async () => {
      await store().reserve(keyed('one'), rulesFor('link', 1))
      expect((await store().reserve(keyed('one'), rulesFor('link', 1))).kind).toBe('key-in-use')
      expect(await store().countByToken('link')).toBe(1)
    })

    test('takes precedence over the quota, and a reservation over the quota does not count', async () => {
      const rules = { ...rulesFor('link', 1), creatorQuotaSeconds: 0 }
      expect((await store().reserve(reservationOf({ id: 'a' }), rules)).kind).toBe('over-quota')
      expect(await store().countByToken('link')).toBe(0)
      await store().reserve(reservationOf({ id: 'b' }), rulesFor('link', 1))
      expect((await store().reserve(reservationOf({ id: 'c' }), rules)).kind).toBe('token-used-up')
    })
  })

  describe('quotas', () => {
    const rules = { creatorQuotaSeconds: 600, keysValidSince: after(0) }

    test('accepts a reservation that fills the quota, and no second more', async () => {
      const most = reservationOf({ id: 'a', constraints: constraintsFor(600) })
      const tooMuch = reservationOf({ id: 'b', constraints: constraintsFor(601) })
      expect(await store().reserve(tooMuch, rules)).toEqual({ kind: 'over-quota', usedSeconds: 0 })
      expect(await store().reserve(most, rules)).toEqual({ kind: 'reserved' })
      const another = reservationOf({ id: 'c', constraints: constraintsFor(1) })
      expect(await store().reserve(another, rules)).toEqual({
        kind: 'over-quota',
        usedSeconds: 600,
      })
      expect(await store().reserve({ ...another, creator: 'bob' }, rules)).toEqual({
        kind: 'reserved',
      })
    })

    test('accepts exactly as many of 50 concurrent reservations as fit the quota', async () => {
      const outcomes = await Promise.all(
        numbered(50).map((id) =>
          store().reserve(reservationOf({ id, constraints: constraintsFor(60) }), rules),
        ),
      )
      expect(outcomes.filter(({ kind }) => kind === 'reserved')).toHaveLength(10)
      expect(await store().quotaUsage('alice')).toEqual({ reservedSeconds: 600, storedSeconds: 0 })
    })

    test('keeps nothing of a rejected reservation, including its key', async () => {
      const tooMuch = reservationOf({
        id: 'b',
        constraints: constraintsFor(601),
        idempotencyKey: 'key',
      })
      await store().reserve(tooMuch, rules)
      expect(await store().findReferences(['b'])).toEqual(new Map())
      expect(await store().findByKey('alice', 'key', after(0))).toBeNull()
      expect(await store().quotaUsage()).toEqual({ reservedSeconds: 0, storedSeconds: 0 })
    })

    test('counts stored seconds like reserved ones, and frees those of a deleted upload', async () => {
      const upload = await mint({ id: 'a', constraints: constraintsFor(600) })
      const wanted = reservationOf({ id: 'b', constraints: constraintsFor(500) })
      const stored = { reservedSeconds: 0, storedSeconds: 200 }
      await store().saveVersion(changeOf(upload, { status: 'READY' }, { quotaUsage: stored }))
      expect(await store().reserve(wanted, rules)).toEqual({
        kind: 'over-quota',
        usedSeconds: 200,
      })
      await store().saveVersion(changeOf(upload, { status: 'DELETED', version: 3 }))
      expect(await store().reserve(wanted, rules)).toEqual({ kind: 'reserved' })
    })

    test('returns the upload of a repeated key with a full quota', async () => {
      await mint({ id: 'a', constraints: constraintsFor(600), idempotencyKey: 'key' })
      const again = reservationOf({
        id: 'b',
        constraints: constraintsFor(600),
        idempotencyKey: 'key',
      })
      expect((await store().reserve(again, rules)).kind).toBe('key-in-use')
    })
  })

  describe('quotaUsage', () => {
    test('sums one creator or all, from the reservation on', async () => {
      expect(await store().quotaUsage()).toEqual({ reservedSeconds: 0, storedSeconds: 0 })
      await store().reserve(reservationOf({ id: 'a', constraints: constraintsFor(60) }), unlimited)
      const upload = await mint({ id: 'b', constraints: constraintsFor(120), creator: 'bob' })
      await mint({ id: 'c', constraints: constraintsFor(240), creator: 'bob' })
      const quotaUsage = { reservedSeconds: 0, storedSeconds: 13 }
      await store().saveVersion(changeOf(upload, { status: 'READY' }, { quotaUsage }))

      expect(await store().quotaUsage('alice')).toEqual({ reservedSeconds: 60, storedSeconds: 0 })
      expect(await store().quotaUsage('bob')).toEqual({ reservedSeconds: 240, storedSeconds: 13 })
      expect(await store().quotaUsage('nobody')).toEqual({ reservedSeconds: 0, storedSeconds: 0 })
      expect(await store().quotaUsage()).toEqual({ reservedSeconds: 300, storedSeconds: 13 })
      await store().release('a')
      expect(await store().quotaUsage()).toEqual({ reservedSeconds: 240, storedSeconds: 13 })
    })
  })
}
