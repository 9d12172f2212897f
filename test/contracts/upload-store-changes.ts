/** Contract of an UploadStore: versions, history, and finding by uid. */
import { describe, expect, test } from 'vitest'
import type { UploadEvent } from '../../src/uploads/upload.ts'
import { after } from '../kit/samples.ts'
import { type Suite, changeOf, numbered, uidOf } from './store-suite.ts'

export function describeChanges({ store, mint }: Suite): void {
  const queued: UploadEvent = { status: 'QUEUED', source: 'SYNC', at: after(5) }
  const ready: UploadEvent = { status: 'READY', source: 'WEBHOOK', at: after(6.789) }

  describe('advancing', () => {
    test('of two writers who read the same version one records the next', async () => {
      const upload = await mint({ id: 'one' })
      const outcomes = await Promise.all([
        store().saveVersion(changeOf(upload, { status: 'QUEUED' }, { event: queued })),
        store().saveVersion(changeOf(upload, { status: 'READY' }, { event: ready })),
      ])
      expect(outcomes.filter(Boolean)).toHaveLength(1)
      const found = await store().find(upload.uid)
      const [status, event] = outcomes[0]
        ? (['QUEUED', queued] as const)
        : (['READY', ready] as const)
      expect(found).toEqual(changeOf(upload, { status }).upload)
      expect((await store().historyOf(['one'])).get('one')?.slice(1)).toEqual([event])
    })

    test('of fifty, too', async () => {
      const upload = await mint({ id: 'one' })
      const outcomes = await Promise.all(
        numbered(50).map((_, index) =>
          store().saveVersion(
            changeOf(upload, {
              progress: { totalBytes: null, receivedBytes: index, encodingPercent: null },
            }),
          ),
        ),
      )
      expect(outcomes.filter(Boolean)).toHaveLength(1)
      const found = await store().find(upload.uid)
      expect(found?.progress.receivedBytes).toBe(outcomes.indexOf(true))
      expect(found?.version).toBe(2)
    })

    test.each([
      ['the version that there is', 1],
      ['a version that leaves one out', 3],
      ['a version before', 0],
    ])('%s is not recorded', async (_what, version) => {
      const upload = await mint({ id: 'one' })
      const change = changeOf(upload, { status: 'QUEUED', version }, { event: queued })
      expect(await store().saveVersion(change)).toBe(false)
      expect(await store().find(upload.uid)).toEqual(upload)
      expect((await store().historyOf(['one'])).get('one')).toHaveLength(1)
    })

    test('an upload that is not there is not advanced', async () => {
      const upload = await mint({ id: 'one' })
      expect(await store().saveVersion(changeOf({ ...upload, id: 'nobody' }, {}))).toBe(false)
    })

    test('nothing that was agreed when it was minted is touched', async () => {
      const upload = await mint({ id: 'one' })
      const other = { creator: 'mallory', name: 'other', uploadURL: 'https://example.com/other' }
      await store().saveVersion(changeOf(upload, { ...other, status: 'QUEUED' }))
      expect(await store().find(upload.uid)).toEqual(changeOf(upload, { status: 'QUEUED' }).upload)
    })
  })

  describe('history', () => {
    test('has each event as it was told, oldest first, and none for a change without one', async () => {
      const upload = await mint({ id: 'one' })
      await store().saveVersion(changeOf(upload, { status: 'QUEUED' }, { event: queued }))
      await store().saveVersion(changeOf(upload, { status: 'QUEUED', version: 3 }))
      // Its time lies before the one above: the order is that of the versions.
      const early: UploadEvent = { status: 'READY', source: 'WEBHOOK', at: after(1) }
      await store().saveVersion(changeOf(upload, { status: 'READY', version: 4 }, { event: early }))
      expect((await store().historyOf(['one'])).get('one')).toEqual([
        { status: 'PENDING_UPLOAD', source: 'MUTATION', at: upload.createdAt },
        queued,
        early,
      ])
    })

    test('of many uploads is read at once, each its own', async () => {
      const ids = numbered(30)
      for (const [index, id] of ids.entries()) {
        const upload = await mint({ id })
        if (index % 2 === 0) continue
        await store().saveVersion(changeOf(upload, { status: 'READY' }, { event: ready }))
      }
      const history = await store().historyOf([...ids, 'nobody', '0001'])
      for (const [index, id] of ids.entries()) {
        const statuses = history.get(id)?.map(({ status }) => status)
        expect(statuses).toEqual(index % 2 === 0 ? ['PENDING_UPLOAD'] : ['PENDING_UPLOAD', 'READY'])
      }
      expect(history.get('nobody') ?? []).toEqual([])
      expect((await store().historyOf([])).size).toBe(0)
    })
  })

  describe('finding', () => {
    test('by uid gives the upload or null', async () => {
      const upload = await mint({ id: 'one' })
      expect(await store().find(upload.uid)).toEqual(upload)
      expect(await store().find('nobody')).toBeNull()
      expect(await store().find('')).toBeNull()
    })

    test('by many uids gives those that there are, each once', async () => {
      for (const id of numbered(5)) await mint({ id })
      const wanted = ['0003', '0001', 'nobody', '0001'].map(uidOf)
      const found = await store().findMany(wanted)
      expect(found.map(({ id }) => id).toSorted()).toEqual(['0001', '0003'])
      expect(await store().findMany([])).toEqual([])
      const many = [...numbered(2000).map((n) => `${n}-nobody`), uidOf('0004')]
      expect(await store().findMany(many)).toHaveLength(1)
    })
  })
}
