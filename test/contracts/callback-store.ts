/** CallbackStore contract: events are recorded with their changes, and delivered in order, each to one gateway. */
import { describe, expect, test } from 'vitest'
import {
  type CallbackWrite,
  type DeliveryOutcome,
  type DueDelivery,
  type ReplayFilter,
  deliveryStates,
} from '../../src/uploads/ports/callback-store.ts'
import { mintedUpload } from '../../src/uploads/minted-upload.ts'
import type { UploadStore } from '../../src/uploads/ports/upload-store.ts'
import type { Upload } from '../../src/uploads/upload.ts'
import { after, reservationOf } from '../kit/samples.ts'
import { type Suite, changeOf, numbered, uidOf, uploadURLOf, unlimited } from './store-suite.ts'

export const TARGET = 'https://app.example.com/hooks?key=%2Fsecret'
export const OTHER_TARGET = 'http://127.0.0.1:9000/'
const DAY = 86_400

/** Returns an event of this version; by default at the second of the version. */
export function callbackOf(
  uploadId: string,
  version: number,
  { targets = [TARGET], at = after(version) }: { targets?: readonly string[]; at?: Date } = {},
): CallbackWrite {
  const id = `${String(at.getTime()).padStart(16, '0')}-${uploadId}-${version}`
  const type = version === 1 ? 'upload.created' : 'upload.updated'
  const body = JSON.stringify({ type, data: { id: uploadId, version, name: 'Zoë "🎬"\u0000' } })
  return { event: { id, type, uploadId, version, at, body }, targets }
}

export async function mintWith(
  store: UploadStore,
  id: string,
  callback: CallbackWrite | null,
): Promise<Upload> {
  const reservation = reservationOf({ id })
  await store.reserve(reservation, unlimited)
  const minted = { uid: uidOf(id), uploadURL: uploadURLOf(id) }
  const at = callback?.event.at ?? after(1)
  const upload = await store.mint(reservation, minted, at, after(15), callback)
  if (upload === null) throw new Error(`${id} was not minted.`)
  return upload
}

/** Saves the next version with a callback, and returns it. */
async function saveWith(
  store: UploadStore,
  upload: Upload,
  options?: Parameters<typeof callbackOf>[2],
): Promise<Upload> {
  const change = changeOf(upload, {})
  const callback = callbackOf(upload.id, change.upload.version, options)
  if (!(await store.saveVersion({ ...change, callback }))) throw new Error('A version conflicts.')
  return change.upload
}

function resultOf(delivery: DueDelivery, outcome: DeliveryOutcome) {
  const isDelivered = outcome.kind === 'delivered'
  return { delivery, outcome, status: isDelivered ? 204 : 500, error: isDelivered ? null : 'Error' }
}

const versionsOf = (due: readonly DueDelivery[]) =>
  due.map(({ event }) => `${event.uploadId}:${event.version}`).toSorted()

export function describeCallbacks({ store, reopen }: Suite): void {
  const callbacks = () => store().callbacks
  /** Claims for 15 seconds. */
  const claim = (second: number, target = TARGET, limit = 99) =>
    callbacks().claimDeliveries(target, after(second), limit, after(second + 15))
  const record = (due: readonly DueDelivery[], outcome: DeliveryOutcome, second: number) =>
    callbacks().recordResults(
      due.map((delivery) => resultOf(delivery, outcome)),
      after(second),
    )
  const cleanUp = (second: number, limit = 99) =>
    callbacks().deleteOldDeliveries(after(second), limit)
  const countListed = async () => {
    const [waiting, done, dropped] = await Promise.all(
      deliveryStates.map((state) => callbacks().listDeliveries(state, 99)),
    )
    return { waiting: waiting?.length, delivered: done?.length, dead: dropped?.length }
  }
  const delivered = { kind: 'delivered' } as const
  const dead = { kind: 'dead' } as const

  describe('events', () => {
    test('are recorded with a creation, one delivery per target', async () => {
      const written = callbackOf('a', 1, { targets: [TARGET, OTHER_TARGET] })
      await mintWith(store(), 'a', written)
      for (const target of [TARGET, OTHER_TARGET]) {
        expect(await claim(1, target)).toEqual([
          { event: written.event, target, attempts: 0, leaseUntil: expect.any(Date) },
        ])
      }
      expect(await claim(1, 'https://nowhere.example.com/')).toEqual([])
    })

    test('show a new upload as the store returns it', async () => {
      const reservation = reservationOf({ id: 'a', protocol: 'TUS', totalBytes: 9, name: 'a.mp4' })
      await store().reserve(reservation, unlimited)
      const minted = { uid: uidOf('a'), uploadURL: uploadURLOf('a') }
      expect(await store().mint(reservation, minted, after(1), after(15))).toEqual(
        mintedUpload(reservation, minted, after(1)),
      )
    })

    test('are not recorded for a reservation that no longer exists', async () => {
      await store().reserve(reservationOf({ id: 'released' }), unlimited)
      await store().release('released')
      await store().reserve(reservationOf({ id: 'retired' }), unlimited)
      await store().retire('retired')
      for (const id of ['released', 'retired', 'unknown']) {
        const minted = { uid: uidOf(id), uploadURL: uploadURLOf(id) }
        const reservation = reservationOf({ id })
        const callback = callbackOf(id, 1)
        expect(await store().mint(reservation, minted, after(1), after(2), callback)).toBeNull()
      }
      expect(await claim(99)).toEqual([])
      expect(await callbacks().listDeliveries('waiting', 9)).toEqual([])
    })

    test('are recorded with a version, unless another version was recorded first', async () => {
      const upload = await mintWith(store(), 'a', null)
      expect(await claim(99)).toEqual([])
      const change = { ...changeOf(upload, { name: 'new' }), callback: callbackOf('a', 2) }
      const results = await Promise.all([1, 2, 3].map(() => store().saveVersion(change)))
      expect(results.filter(Boolean)).toHaveLength(1)
      expect(await claim(99)).toHaveLength(1)
    })

    test('survive a restart', async () => {
      await mintWith(store(), 'a', callbackOf('a', 1))
      await reopen()
      expect(versionsOf(await claim(1))).toEqual(['a:1'])
    })
  })

  describe('claimDeliveries', () => {
    test('returns the events of an upload one after the other, those of several at once', async () => {
      for (const id of ['a', 'b']) {
        await saveWith(
          store(),
          await saveWith(store(), await mintWith(store(), id, callbackOf(id, 1))),
        )
      }
      const first = await claim(9)
      expect(versionsOf(first)).toEqual(['a:1', 'b:1'])
      expect(await claim(10)).toEqual([])
      await record(first, delivered, 11)
      const second = await claim(11)
      expect(versionsOf(second)).toEqual(['a:2', 'b:2'])
      await record(second, dead, 12)
      expect(versionsOf(await claim(12))).toEqual(['a:3', 'b:3'])
    })

    test('is not held up by another target', async () => {
      const targets = [TARGET, OTHER_TARGET]
      await saveWith(store(), await mintWith(store(), 'a', callbackOf('a', 1, { targets })), {
        targets,
      })
      await record(await claim(9), delivered, 9)
      expect(versionsOf(await claim(9))).toEqual(['a:2'])
      expect(versionsOf(await claim(9, OTHER_TARGET))).toEqual(['a:1'])
    })

    test('returns the longest due first, and no more than the limit', async () => {
      for (const id of ['c', 'a', 'b']) {
        const at = after({ a: 1, b: 2, c: 3 }[id] ?? 0)
        await mintWith(store(), id, callbackOf(id, 1, { at }))
      }
      const [a, b] = await claim(2.999)
      expect(versionsOf(await claim(2.999))).toEqual([])
      if (a === undefined || b === undefined) throw new Error('Two were due.')
      expect(versionsOf([a, b])).toEqual(['a:1', 'b:1'])
      await record([a], { kind: 'failed', retryAt: after(20) }, 3)
      await record([b], { kind: 'failed', retryAt: after(21) }, 3)
      expect(versionsOf(await claim(30, TARGET, 2))).toEqual(['a:1', 'c:1'])
    })

    test('returns a delivery again once its claim ends, and ignores the result of the old claim', async () => {
      await saveWith(store(), await mintWith(store(), 'a', callbackOf('a', 1)))
      const lost = await claim(10)
      expect(await claim(24.999)).toEqual([])
      const taken = await claim(25)
      expect(versionsOf(taken)).toEqual(['a:1'])
      await record(lost, delivered, 26)
      expect(await claim(26)).toEqual([])
      await record(taken, delivered, 27)
      await record(taken, dead, 27)
      expect(versionsOf(await claim(27))).toEqual(['a:2'])
      expect(await callbacks().listDeliveries('dead', 9)).toEqual([])
    })

    test('claims each delivery once under concurrency', async () => {
      for (const id of numbered(40)) await mintWith(store(), id, callbackOf(id, 1))
      const claims = await Promise.all(numbered(100).map(() => claim(9, TARGET, 3)))
      const claimed = versionsOf(claims.flat())
      expect(claimed).toEqual([...new Set(claimed)])
      expect(claimed.length + (await claim(9)).length).toBe(40)
    })
  })

  describe('recordResults', () => {
    test('schedules retries, and counts attempts but not postponements', async () => {
      await mintWith(store(), 'a', callbackOf('a', 1))
      await record(await claim(10), { kind: 'failed', retryAt: after(40) }, 11)
      expect(await claim(39.999)).toEqual([])
      const [retried] = await claim(40)
      expect(retried?.attempts).toBe(1)
      await record(
        retried === undefined ? [] : [retried],
        { kind: 'postponed', until: after(50) },
        41,
      )
      expect(await callbacks().listDeliveries('waiting', 9)).toMatchObject([
        { attempts: 1, lastStatus: 500, lastError: 'Error', doneAt: null },
      ])
      expect(await claim(50)).toMatchObject([{ attempts: 1 }])
    })

    test('releases the next event of an upload, however changes and results interleave', async () => {
      const uploads = await Promise.all(
        numbered(12).map((id) => mintWith(store(), id, callbackOf(id, 1))),
      )
      const seen: string[] = []
      const deliver = async () => {
        const due = await callbacks().claimDeliveries(TARGET, after(99), 5, after(120))
        seen.push(...due.map(({ event }) => `${event.uploadId}:${event.version}`))
        await record(due, delivered, 99)
        return due.length
      }
      await Promise.all([
        ...uploads.map(async (upload) => {
          let current = upload
          for (let step = 0; step < 3; step += 1) current = await saveWith(store(), current)
        }),
        ...[1, 2, 3].map(async () => {
          for (let step = 0; step < 8; step += 1) await deliver()
        }),
      ])
      while ((await deliver()) > 0);
      for (const { id } of uploads) {
        expect(seen.filter((entry) => entry.startsWith(`${id}:`))).toEqual(
          [1, 2, 3, 4].map((version) => `${id}:${version}`),
        )
      }
      expect(await callbacks().listDeliveries('waiting', 9)).toEqual([])
    })
  })

  describe('nextDelivery, countDeliveries and listDeliveries', () => {
    test('tell what waits for each target', async () => {
      const both = [TARGET, OTHER_TARGET]
      expect(await callbacks().nextDelivery(both)).toBeNull()
      await saveWith(store(), await mintWith(store(), 'a', callbackOf('a', 1, { targets: both })))
      await mintWith(store(), 'b', callbackOf('b', 1, { at: after(3) }))
      await record(await claim(2), { kind: 'failed', retryAt: after(60) }, 2)
      await record(await claim(2, OTHER_TARGET), dead, 5)
      expect(await callbacks().nextDelivery(both)).toEqual(after(3))
      await record(await claim(3), { kind: 'failed', retryAt: after(70) }, 4)
      expect(await callbacks().nextDelivery(both)).toEqual(after(60))
      expect(await callbacks().nextDelivery([OTHER_TARGET])).toBeNull()
      expect(await callbacks().countDeliveries(both)).toEqual(
        new Map([
          [TARGET, { waiting: 3, dead: 0, oldestWaiting: after(1) }],
          [OTHER_TARGET, { waiting: 0, dead: 1, oldestWaiting: null }],
        ]),
      )
      const waiting = await callbacks().listDeliveries('waiting', 9)
      expect(waiting.map(({ event, dueAt }) => [event.uploadId, event.version, dueAt])).toEqual([
        ['a', 1, after(60)],
        ['a', 2, null],
        ['b', 1, after(70)],
      ])
      const { body: _, ...event } = callbackOf('a', 1).event
      expect(await callbacks().listDeliveries('dead', 9)).toEqual([
        {
          event,
          target: OTHER_TARGET,
          state: 'dead',
          attempts: 1,
          dueAt: null,
          doneAt: after(5),
          lastStatus: 500,
          lastError: 'Error',
        },
      ])
      expect(await callbacks().listDeliveries('delivered', 9)).toEqual([])
    })

    test('list the newest done first, up to the limit', async () => {
      for (const [index, id] of ['a', 'b', 'c'].entries()) {
        await mintWith(store(), id, callbackOf(id, 1))
        await record(await claim(5), delivered, 10 + index)
      }
      const listed = await callbacks().listDeliveries('delivered', 2)
      expect(listed.map(({ event }) => event.uploadId)).toEqual(['c', 'b'])
    })
  })

  describe('replayDeliveries', () => {
    /** Three uploads with two events each: delivered at 10 s, dead at 20 s, and one that waits. */
    async function fill(): Promise<void> {
      for (const [id, outcome] of [
        ['a', delivered],
        ['b', dead],
      ] as const) {
        await saveWith(store(), await mintWith(store(), id, callbackOf(id, 1)))
        const second = id === 'a' ? 10 : 20
        for (const _ of [1, 2]) await record(await claim(second), outcome, second)
      }
      await saveWith(store(), await mintWith(store(), 'c', callbackOf('c', 1)))
    }

    test.each<[ReplayFilter, readonly string[]]>([
      [{ kind: 'dead' }, ['b:1', 'b:2']],
      [{ kind: 'event', id: callbackOf('a', 2).event.id }, ['a:2']],
      [{ kind: 'since', since: after(2) }, ['a:2', 'b:2']],
      [{ kind: 'since', since: after(0) }, ['a:1', 'a:2', 'b:1', 'b:2']],
      [{ kind: 'event', id: 'unknown' }, []],
    ])('makes %j wait again, in order', async (filter, expected) => {
      await fill()
      await record(await claim(21), { kind: 'postponed', until: after(3600) }, 21)
      expect(await callbacks().replayDeliveries(filter, after(30), 99)).toBe(expected.length)
      const seen: string[] = []
      for (;;) {
        const due = await claim(31)
        if (due.length === 0) break
        expect(due.every(({ attempts }) => attempts === 0)).toBe(true)
        seen.push(...versionsOf(due))
        await record(due, delivered, 31)
      }
      expect(seen.toSorted()).toEqual(expected)
      expect(seen.indexOf('b:1')).toBeLessThanOrEqual(seen.indexOf('b:2'))
      // Repeated calls end, because deliveries that were done since are left out.
      expect(await callbacks().replayDeliveries(filter, after(30), 99)).toBe(0)
    })

    test('takes at most the limit', async () => {
      await fill()
      const filter = { kind: 'since', since: after(0) } as const
      const counts: number[] = []
      for (let call = 0; call < 3; call += 1) {
        counts.push(await callbacks().replayDeliveries(filter, after(30), 3))
      }
      expect(counts).toEqual([3, 1, 0])
    })
  })

  describe('deleteOldDeliveries', () => {
    test('deletes delivered ones after a day and dead ones after thirty', async () => {
      const targets = [TARGET, OTHER_TARGET]
      await mintWith(store(), 'a', callbackOf('a', 1, { targets }))
      await record(await claim(10), delivered, 10)
      await record(await claim(10, OTHER_TARGET), dead, 10)
      expect(await cleanUp(10 + DAY)).toBe(0)
      expect(await cleanUp(10.001 + DAY)).toBe(1)
      expect(await countListed()).toEqual({ waiting: 0, delivered: 0, dead: 1 })
      // Its event is kept for a replay.
      expect(await callbacks().replayDeliveries({ kind: 'dead' }, after(20), 9)).toBe(1)
      await record(await claim(30, OTHER_TARGET), dead, 30)
      expect(await cleanUp(30 + 30 * DAY)).toBe(0)
      expect(await cleanUp(30.001 + 30 * DAY)).toBe(1)
      expect(await countListed()).toEqual({ waiting: 0, delivered: 0, dead: 0 })
    })

    test('turns those that wait for thirty days into dead letters, and releases the next', async () => {
      const upload = await mintWith(store(), 'a', callbackOf('a', 1))
      await saveWith(store(), upload, { at: after(60) })
      expect(await cleanUp(1 + 30 * DAY)).toBe(0)
      expect(await cleanUp(1.001 + 30 * DAY)).toBe(1)
      expect(await countListed()).toEqual({ waiting: 1, delivered: 0, dead: 1 })
      expect(versionsOf(await claim(2 + 30 * DAY))).toEqual(['a:2'])
    })

    test('changes at most the limit, and runMaintenance goes on until nothing is old', async () => {
      for (const id of numbered(5)) await mintWith(store(), id, callbackOf(id, 1))
      await record(await claim(10), delivered, 10)
      expect(await cleanUp(2 * DAY, 2)).toBe(2)
      expect(await countListed()).toMatchObject({ delivered: 3 })
      await store().runMaintenance(after(2 * DAY))
      expect(await countListed()).toMatchObject({ delivered: 0 })
    })
  })

  test('runMaintenance makes retries due that were scheduled under a wrong clock', async () => {
    await mintWith(store(), 'a', callbackOf('a', 1))
    await store().runMaintenance(after(10 * DAY))
    await record(await claim(20), { kind: 'failed', retryAt: after(10 * DAY) }, 20)
    await store().runMaintenance(after(30))
    expect(versionsOf(await claim(31))).toEqual(['a:1'])
  })
}
