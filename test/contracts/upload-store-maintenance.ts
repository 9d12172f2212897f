/** UploadStore contract: due polls, leases, and unmatched webhooks. */
import { describe, expect, test } from 'vitest'
import { after, reservationOf } from '../kit/samples.ts'
import { type Suite, changeOf, unlimited, uidOf } from './store-suite.ts'

export function describeMaintenance({ store, mint }: Suite): void {
  /** Returns the ids of uploads whose polls are due at this second. */
  async function dueAt(second: number, limit = 99): Promise<string[]> {
    const due = await store().findDue(after(second), limit)
    return due.map(({ upload }) => upload.id)
  }

  describe('findDue', () => {
    test('returns each upload whose poll time has come, most overdue first', async () => {
      await store().reserve(reservationOf({ id: 'reserved' }), unlimited)
      for (const [id, second] of [
        ['c', 30],
        ['a', 10],
        ['b', 20],
        ['d', 40],
      ] as const) {
        await mint({ id })
        await store().reschedulePolls([
          { uid: uidOf(id), version: 1, pollAt: after(second), idlePolls: 0 },
        ])
      }
      expect(await dueAt(9.999)).toEqual([])
      expect(await dueAt(10)).toEqual(['a'])
      expect(await dueAt(30, 2)).toEqual(['a', 'b'])
      expect(await dueAt(39.999)).toEqual(['a', 'b', 'c'])
      expect(await dueAt(40)).toEqual(['a', 'b', 'c', 'd'])
    })

    test('returns a new upload at the poll time given at minting', async () => {
      await mint({ id: 'a' })
      expect(await dueAt(14.999)).toEqual([])
      expect(await dueAt(15)).toEqual(['a'])
    })

    test('follows each rescheduling, which sets the idle count and changes nothing else', async () => {
      const [a, b] = [await mint({ id: 'a' }), await mint({ id: 'b' })]
      await store().reschedulePolls([
        { uid: a.uid, version: 1, pollAt: after(100), idlePolls: 4 },
        { uid: b.uid, version: 1, pollAt: null, idlePolls: 9 },
        { uid: 'nobody', version: 1, pollAt: after(1), idlePolls: 1 },
      ])
      expect(await dueAt(99)).toEqual([])
      expect(await store().findDue(after(100), 9)).toEqual([
        { upload: a, idlePolls: 4, missingPolls: 0 },
      ])
      expect(await store().find(b.uid)).toEqual(b)
      await store().reschedulePolls([])
      await store().reschedulePolls([{ uid: b.uid, version: 1, pollAt: after(100), idlePolls: 10 }])
      const due = await store().findDue(after(100), 9)
      expect(new Map(due.map(({ upload, idlePolls }) => [upload.id, idlePolls]))).toEqual(
        new Map([
          ['a', 4],
          ['b', 10],
        ]),
      )
    })

    test('returns how often an upload was missing, until it is found or changes', async () => {
      const a = await mint({ id: 'a' })
      const missed = { uid: a.uid, version: 1, pollAt: after(15), idlePolls: 2 }
      const missing = async (second: number): Promise<(number | undefined)[]> =>
        (await store().findDue(after(second), 9)).map((due) => due.missingPolls)
      await store().reschedulePolls([{ ...missed, missingPolls: 3 }])
      expect(await missing(15)).toEqual([3])
      await store().reschedulePolls([missed])
      expect(await missing(15)).toEqual([0])
      await store().reschedulePolls([{ ...missed, missingPolls: 4 }])
      await store().saveVersion(changeOf(a, { status: 'QUEUED' }, { pollAt: after(20) }))
      expect(await missing(20)).toEqual([0])
    })

    test('resets the idle count with each change, and ends when the change has no poll time', async () => {
      const [a, b] = [await mint({ id: 'a' }), await mint({ id: 'b' })]
      await store().reschedulePolls([{ uid: a.uid, version: 1, pollAt: after(15), idlePolls: 4 }])
      await store().saveVersion(changeOf(a, { status: 'QUEUED' }, { pollAt: after(20) }))
      await store().saveVersion(changeOf(b, { status: 'DELETED' }))
      expect(await dueAt(19)).toEqual([])
      const due = await store().findDue(after(1e6), 9)
      expect(due.map(({ upload, idlePolls }) => [upload.id, idlePolls])).toEqual([['a', 0]])
    })

    test('ignores a rescheduling for an older version', async () => {
      const a = await mint({ id: 'a' })
      await store().saveVersion(changeOf(a, { status: 'QUEUED' }, { pollAt: after(20) }))
      await store().reschedulePolls([{ uid: a.uid, version: 1, pollAt: null, idlePolls: 4 }])
      expect(await dueAt(20)).toEqual(['a'])
    })

    test('is not affected by a change that was not recorded', async () => {
      const upload = await mint({ id: 'a' })
      const late = changeOf(upload, { version: 5 }, { pollAt: after(1) })
      expect(await store().saveVersion(late)).toBe(false)
      expect(await dueAt(14)).toEqual([])
    })
  })

  describe('polls scheduled by a clock that was ahead', () => {
    test('become due after maintenance when they are further ahead than any interval', async () => {
      const [a, b, c] = [await mint({ id: 'a' }), await mint({ id: 'b' }), await mint({ id: 'c' })]
      await store().saveVersion(changeOf(c, { status: 'READY' }, { pollAt: after(7200) }))
      const checks = [
        { uid: a.uid, version: 1, pollAt: after(7200), idlePolls: 0 },
        { uid: b.uid, version: 1, pollAt: after(300), idlePolls: 0 },
      ]
      await store().reschedulePolls(checks)
      await store().runMaintenance(after(7000))
      expect(await dueAt(100)).toEqual([])
      await store().runMaintenance(after(100))
      expect(await dueAt(100)).toEqual(['a'])
      expect((await dueAt(7200)).toSorted()).toEqual(['a', 'b', 'c'])
    })

    test('become due after maintenance when they are more than a day ahead', async () => {
      const a = await mint({ id: 'a' })
      await store().runMaintenance(after(1))
      await store().saveVersion(changeOf(a, { status: 'READY' }, { pollAt: after(3 * 86_400) }))
      await store().runMaintenance(after(0))
      expect(await dueAt(0)).toEqual(['a'])
    })
  })

  describe('renewWatchLeases', () => {
    test('returns the watched uids to the gateway that has the poll lease', async () => {
      expect(await store().renewWatchLeases([], after(1), after(6), true)).toEqual([])
      for (const second of [2, 3, 4]) {
        const watchedUids = await store().renewWatchLeases(
          ['b', 'a'],
          after(second),
          after(second + 5),
          true,
        )
        expect(watchedUids).toEqual(['a', 'b'])
      }
      expect(await store().renewWatchLeases(['a', 'b'], after(5), after(10), false)).toBeNull()
    })
  })

  describe('noteAccount', () => {
    test('keeps the first account once an upload exists, unless it is replaced', async () => {
      expect(await store().recordAccount('first')).toBe('first')
      await store().reserve(reservationOf({ id: 'reserved' }), unlimited)
      expect(await store().recordAccount('second')).toBe('second')
      await mint({ id: 'a' })
      expect(await store().recordAccount('third')).toBe('second')
      expect(await store().recordAccount('second')).toBe('second')
      expect(await store().recordAccount('third', { replace: true })).toBe('third')
      expect(await store().recordAccount('second')).toBe('third')
    })
  })

  describe('the sweep lease', () => {
    test('is acquired and released, and stores how far the sweep has come', async () => {
      expect(await store().acquireSweepLease(after(0), after(60))).toEqual({ sweptUntil: null })
      await store().releaseSweepLease(null)
      expect(await store().acquireSweepLease(after(1), after(60))).toEqual({ sweptUntil: null })
      await store().releaseSweepLease(after(1))
      expect(await store().acquireSweepLease(after(2), after(60))).toEqual({ sweptUntil: after(1) })
      await store().releaseSweepLease(null)
      expect(await store().acquireSweepLease(after(3), after(60))).toEqual({ sweptUntil: after(1) })
    })
  })

  describe('oldestDuePoll', () => {
    test('returns the earliest poll time, or null when no poll is scheduled', async () => {
      expect(await store().oldestDuePoll()).toBeNull()
      await store().reserve(reservationOf({ id: 'reserved' }), unlimited)
      expect(await store().oldestDuePoll()).toBeNull()
      const [a, b] = [await mint({ id: 'a' }), await mint({ id: 'b' })]
      await store().reschedulePolls([
        { uid: a.uid, version: 1, pollAt: after(30), idlePolls: 0 },
        { uid: b.uid, version: 1, pollAt: after(20.5), idlePolls: 0 },
      ])
      expect(await store().oldestDuePoll()).toEqual(after(20.5))
      await store().saveVersion(changeOf(b, { status: 'DELETED' }))
      expect(await store().oldestDuePoll()).toEqual(after(30))
      await store().saveVersion(changeOf(a, { status: 'READY' }))
      expect(await store().oldestDuePoll()).toBeNull()
    })
  })

  describe('unmatched webhooks', () => {
    test('are stored once for each body, unchanged, oldest first', async () => {
      const odd = '{"uid":"x", "meta":{"name":"Zoë 🎬"}}\n'
      await store().saveUnmatchedWebhook('x', 'second', after(2))
      await store().saveUnmatchedWebhook('x', odd, after(1))
      await store().saveUnmatchedWebhook('x', 'second', after(3))
      await Promise.all(
        Array.from({ length: 20 }, () => store().saveUnmatchedWebhook('x', 'third', after(4))),
      )
      expect(await store().unmatchedWebhooks('x')).toEqual([odd, 'second', 'third'])
    })

    test('are stored separately for each video', async () => {
      await store().saveUnmatchedWebhook('x', 'same', after(1))
      await store().saveUnmatchedWebhook('y', 'same', after(1))
      await store().deleteUnmatchedWebhooks('x')
      await store().deleteUnmatchedWebhooks('nobody')
      expect(await store().unmatchedWebhooks('x')).toEqual([])
      expect(await store().unmatchedWebhooks('y')).toEqual(['same'])
    })

    test('are deleted when older than a given time, and the number is returned', async () => {
      for (const second of [1, 2, 3])
        await store().saveUnmatchedWebhook('x', `at ${second}`, after(second))
      expect(await store().deleteUnmatchedWebhooksBefore(after(1))).toBe(0)
      expect(await store().deleteUnmatchedWebhooksBefore(after(3))).toBe(2)
      expect(await store().unmatchedWebhooks('x')).toEqual(['at 3'])
      expect(await store().deleteUnmatchedWebhooksBefore(after(9))).toBe(1)
      expect(await store().deleteUnmatchedWebhooksBefore(after(9))).toBe(0)
    })
  })
}
