/** UploadStore contract: versions, history, and finding by uid. */
import { describe, expect, test } from 'vitest'
import type { UploadEvent } from '../../src/uploads/upload.ts'
import { after } from '../kit/samples.ts'
import { type Suite, changeOf, numbered, uidOf } from './store-suite.ts'

export function describeChanges({ store, mint }: Suite): void {
  const queued: UploadEvent = { status: 'QUEUED', source: 'SYNC', at: after(5) }
  const ready: UploadEvent = { status: 'READY', source: 'WEBHOOK', at: after(6.789) }

  describe('saveVersion', () => {
    test('records the change of one of two writers that read the same version', async () => {
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

    test('records the change of one of fifty writers', async () => {
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
      ['the current version', 1],
      ['a version that skips one', 3],
      ['a previous version', 0],
    ])('does not record %s', async (_what, version) => {
      const upload = await mint({ id: 'one' })
      const change = changeOf(upload, { status: 'QUEUED', version }, { event: queued })
      expect(await store().saveVersion(change)).toBe(false)
      expect(await store().find(upload.uid)).toEqual(upload)
      expect((await store().historyOf(['one'])).get('one')).toHaveLength(1)
    })

    test('does not record a version of an unknown upload', async () => {
      const upload = await mint({ id: 'one' })
      expect(await store().saveVersion(changeOf({ ...upload, id: 'nobody' }, {}))).toBe(false)
    })

    test('keeps the fields that were set when the upload was minted', async () => {
      const upload = await mint({ id: 'one' })
      const other = { creator: 'mallory', uploadURL: 'https://example.com/other' }
      await store().saveVersion(changeOf(upload, { ...other, status: 'QUEUED' }))
      expect(await store().find(upload.uid)).toEqual(changeOf(upload, { status: 'QUEUED' }).upload)
    })
  })

  describe('saveVersion with other settings', () => {
    test('records them, and what is queried by them', async () => {
      const upload = await mint({ id: 'one' })
      const settings = {
        name: 'Ferien „2026“',
        meta: { nested: { list: [1, null, 'ä'] } },
        constraints: {
          maxDurationSeconds: 36_000,
          maxSizeBytes: upload.constraints.maxSizeBytes,
          allowedOrigins: ['example.com', '*.example.org'],
          requireSignedURLs: true,
          scheduledDeletion: after(86_400.5),
        },
        expiresAt: after(7200.25),
        settingsAt: after(5.125),
      }
      const change = changeOf(upload, settings)
      expect(await store().saveVersion(change)).toBe(true)
      expect(await store().find(upload.uid)).toEqual(change.upload)
      const cleared = { name: null, meta: {}, constraints: upload.constraints, settingsAt: null }
      const next = changeOf(change.upload, { ...cleared, version: 3 })
      expect(await store().saveVersion(next)).toBe(true)
      expect(await store().find(upload.uid)).toEqual(next.upload)
    })
  })

  describe('the lease of a change', () => {
    test('is held by one change at a time, until it is released', async () => {
      const { uid } = await mint({ id: 'one' })
      const other = await mint({ id: 'two' })
      const until = await store().acquireChangeLease(uid, after(0), after(30))
      expect(until).not.toBeNull()
      expect(await store().acquireChangeLease(uid, after(29), after(59))).toBeNull()
      expect(await store().acquireChangeLease(other.uid, after(0), after(30))).not.toBeNull()
      await store().releaseChangeLease(uid, until ?? after(0))
      expect(await store().acquireChangeLease(uid, after(1), after(31))).not.toBeNull()
    })

    test('is held by one of many concurrent changes', async () => {
      const { uid } = await mint({ id: 'one' })
      const leases = await Promise.all(
        numbered(10).map(() => store().acquireChangeLease(uid, after(0), after(30))),
      )
      expect(leases.filter((lease) => lease !== null)).toHaveLength(1)
    })

    test('ends by itself, and is then not released by its former holder', async () => {
      const { uid } = await mint({ id: 'one' })
      const first = await store().acquireChangeLease(uid, after(0), after(30))
      const second = await store().acquireChangeLease(uid, after(30), after(60))
      expect(second).not.toBeNull()
      await store().releaseChangeLease(uid, first ?? after(0))
      expect(await store().acquireChangeLease(uid, after(31), after(61))).toBeNull()
    })

    test('counts as over if it ends far ahead, as a wrong clock wrote it', async () => {
      const { uid } = await mint({ id: 'one' })
      await store().acquireChangeLease(uid, after(7200), after(7230))
      expect(await store().acquireChangeLease(uid, after(0), after(30))).not.toBeNull()
    })

    test('makes a poll due when it ends, but no scheduled poll later', async () => {
      const settled = await mint({ id: 'one' })
      await store().saveVersion(changeOf(settled, { status: 'READY' }, { pollAt: null }))
      const open = await mint({ id: 'two' })
      await store().saveVersion(changeOf(open, {}, { pollAt: after(5) }))
      for (const { uid } of [settled, open]) {
        await store().acquireChangeLease(uid, after(0), after(30))
      }
      const due = async (at: number): Promise<readonly string[]> =>
        (await store().findDue(after(at), 10)).map(({ upload }) => upload.id)
      expect(await due(5)).toEqual(['two'])
      expect(await due(30)).toEqual(['two', 'one'])
    })

    test('is not acquired for an unknown upload', async () => {
      expect(await store().acquireChangeLease('nobody', after(0), after(30))).toBeNull()
    })
  })

  describe('historyOf', () => {
    test('returns each event in the order of versions, and none for a change without an event', async () => {
      const upload = await mint({ id: 'one' })
      await store().saveVersion(changeOf(upload, { status: 'QUEUED' }, { event: queued }))
      await store().saveVersion(changeOf(upload, { status: 'QUEUED', version: 3 }))
      // Its time is before that of the previous event: events are ordered by version.
      const early: UploadEvent = { status: 'READY', source: 'WEBHOOK', at: after(1) }
      await store().saveVersion(changeOf(upload, { status: 'READY', version: 4 }, { event: early }))
      expect((await store().historyOf(['one'])).get('one')).toEqual([
        { status: 'PENDING_UPLOAD', source: 'MUTATION', at: upload.createdAt },
        queued,
        early,
      ])
    })

    test('returns the history of many uploads in one call', async () => {
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

  describe('find and findMany', () => {
    test('return the upload of a uid or null', async () => {
      const upload = await mint({ id: 'one' })
      expect(await store().find(upload.uid)).toEqual(upload)
      expect(await store().find('nobody')).toBeNull()
      expect(await store().find('')).toBeNull()
    })

    test('return each known upload of many uids once', async () => {
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
