/** Contract of an UploadStore: what is due to be asked after, and notices that came too early. */
import { describe, expect, test } from 'vitest'
import { after, reservationOf } from '../kit/samples.ts'
import { type Suite, changeOf, freely, uidOf } from './store-suite.ts'

export function describeUpkeep({ store, mint }: Suite): void {
  /** Ids of what is due at this second. */
  async function dueAt(second: number, limit = 99): Promise<string[]> {
    const due = await store().due(after(second), limit)
    return due.map(({ upload }) => upload.id)
  }

  describe('what is due', () => {
    test('is whatever has reached its time, most overdue first', async () => {
      await store().reserve(reservationOf({ id: 'reserved' }), freely)
      for (const [id, second] of [
        ['c', 30],
        ['a', 10],
        ['b', 20],
        ['d', 40],
      ] as const) {
        await mint({ id })
        await store().reschedule([
          { uid: uidOf(id), version: 1, checkAt: after(second), idleChecks: 0 },
        ])
      }
      expect(await dueAt(9.999)).toEqual([])
      expect(await dueAt(10)).toEqual(['a'])
      expect(await dueAt(30)).toEqual(['a', 'b', 'c'])
      expect(await dueAt(99)).toEqual(['a', 'b', 'c', 'd'])
      expect(await dueAt(99, 2)).toEqual(['a', 'b'])
    })

    test('is due from minting on, as told there', async () => {
      await mint({ id: 'a' })
      expect(await dueAt(14.999)).toEqual([])
      expect(await dueAt(15)).toEqual(['a'])
    })

    test('moves with each rescheduling, which counts and changes nothing else', async () => {
      const [a, b] = [await mint({ id: 'a' }), await mint({ id: 'b' })]
      await store().reschedule([
        { uid: a.uid, version: 1, checkAt: after(100), idleChecks: 4 },
        { uid: b.uid, version: 1, checkAt: null, idleChecks: 9 },
        { uid: 'nobody', version: 1, checkAt: after(1), idleChecks: 1 },
      ])
      expect(await dueAt(99)).toEqual([])
      expect(await store().due(after(100), 9)).toEqual([{ upload: a, idleChecks: 4 }])
      expect(await store().find(b.uid)).toEqual(b)
      await store().reschedule([])
      await store().reschedule([{ uid: b.uid, version: 1, checkAt: after(100), idleChecks: 10 }])
      const due = await store().due(after(100), 9)
      expect(new Map(due.map(({ upload, idleChecks }) => [upload.id, idleChecks]))).toEqual(
        new Map([
          ['a', 4],
          ['b', 10],
        ]),
      )
    })

    test('begins anew with each change, and never comes where the change says so', async () => {
      const [a, b] = [await mint({ id: 'a' }), await mint({ id: 'b' })]
      await store().reschedule([{ uid: a.uid, version: 1, checkAt: after(15), idleChecks: 4 }])
      await store().advance(changeOf(a, { status: 'QUEUED' }, { checkAt: after(20) }))
      await store().advance(changeOf(b, { status: 'DELETED' }))
      expect(await dueAt(19)).toEqual([])
      const due = await store().due(after(1e6), 9)
      expect(due.map(({ upload, idleChecks }) => [upload.id, idleChecks])).toEqual([['a', 0]])
    })

    test('stays where a newer version put it', async () => {
      const a = await mint({ id: 'a' })
      await store().advance(changeOf(a, { status: 'QUEUED' }, { checkAt: after(20) }))
      await store().reschedule([{ uid: a.uid, version: 1, checkAt: null, idleChecks: 4 }])
      expect(await dueAt(20)).toEqual(['a'])
    })

    test('is not moved by a change that was not recorded', async () => {
      const upload = await mint({ id: 'a' })
      const late = changeOf(upload, { version: 5 }, { checkAt: after(1) })
      expect(await store().advance(late)).toBe(false)
      expect(await dueAt(14)).toEqual([])
    })
  })

  describe('what is due next', () => {
    test('is the earliest time of all, over or not, and none where nothing is asked after', async () => {
      expect(await store().oldestDue()).toBeNull()
      await store().reserve(reservationOf({ id: 'reserved' }), freely)
      expect(await store().oldestDue()).toBeNull()
      const [a, b] = [await mint({ id: 'a' }), await mint({ id: 'b' })]
      await store().reschedule([
        { uid: a.uid, version: 1, checkAt: after(30), idleChecks: 0 },
        { uid: b.uid, version: 1, checkAt: after(20.5), idleChecks: 0 },
      ])
      expect(await store().oldestDue()).toEqual(after(20.5))
      await store().advance(changeOf(b, { status: 'DELETED' }))
      expect(await store().oldestDue()).toEqual(after(30))
      await store().advance(changeOf(a, { status: 'READY' }))
      expect(await store().oldestDue()).toBeNull()
    })
  })

  describe('notices about what is not known yet', () => {
    test('are kept once for each body, as they came, oldest first', async () => {
      const odd = '{"uid":"x", "meta":{"name":"Zoë 🎬"}}\n'
      await store().keepNotice('x', 'second', after(2))
      await store().keepNotice('x', odd, after(1))
      await store().keepNotice('x', 'second', after(3))
      await Promise.all(
        Array.from({ length: 20 }, () => store().keepNotice('x', 'third', after(4))),
      )
      expect(await store().keptNotices('x')).toEqual([odd, 'second', 'third'])
    })

    test("are each video's own", async () => {
      await store().keepNotice('x', 'same', after(1))
      await store().keepNotice('y', 'same', after(1))
      await store().dropNotices('x')
      await store().dropNotices('nobody')
      expect(await store().keptNotices('x')).toEqual([])
      expect(await store().keptNotices('y')).toEqual(['same'])
    })

    test('are dropped when they are older than a moment, and counted', async () => {
      for (const second of [1, 2, 3]) await store().keepNotice('x', `at ${second}`, after(second))
      expect(await store().dropNoticesBefore(after(1))).toBe(0)
      expect(await store().dropNoticesBefore(after(3))).toBe(2)
      expect(await store().keptNotices('x')).toEqual(['at 3'])
      expect(await store().dropNoticesBefore(after(9))).toBe(1)
      expect(await store().dropNoticesBefore(after(9))).toBe(0)
    })
  })
}
