/** UploadStore contract, for every adapter. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { UploadStore } from '../../src/uploads/ports/upload-store.ts'
import type { Upload } from '../../src/uploads/upload.ts'
import { after, reservationOf, uploadOf } from '../kit/samples.ts'
import { type OpenedStore, type Suite, changeOf, unlimited, mintIn, uidOf } from './store-suite.ts'
import { describeCallbacks } from './callback-store.ts'
import { describeChanges } from './upload-store-changes.ts'
import { describeLists } from './upload-store-lists.ts'
import { describeReserving } from './upload-store-reserving.ts'
import { describeMaintenance } from './upload-store-maintenance.ts'

/** Runs the suite. `open` returns an empty store each time. */
export function describeUploadStore(name: string, open: () => Promise<OpenedStore>): void {
  describe(`${name} fulfills the UploadStore contract`, () => {
    let opened: OpenedStore
    let store: UploadStore

    beforeEach(async () => {
      opened = await open()
      ;({ store } = opened)
    })
    afterEach(async () => {
      await store.close()
    })

    const suite: Suite = {
      store: () => store,
      async reopen() {
        store = await opened.reopen()
        return store
      },
      mint: (fields) => mintIn(store, fields),
    }

    describeReserving(suite)
    describeChanges(suite)
    describeLists(suite)
    describeMaintenance(suite)
    describeCallbacks(suite)

    describe('stored values', () => {
      const full: Upload = uploadOf({
        id: 'full',
        uid: uidOf('full'),
        uploadURL: 'https://upload.example.com/tus/full?tusv2=true&sig=%2F%20"\'',
        protocol: 'TUS',
        creator: "o'hara; drop table uploads --",
        name: 'Zoë 🎬.mp4',
        meta: {
          nested: { list: [1, -2.5, null, true, { deeper: ['ü', '日本語', '👩‍👩‍👧'] }], empty: {} },
          'quote"key': "it's",
          big: Number.MAX_SAFE_INTEGER,
        },
        constraints: {
          maxDurationSeconds: 36_000,
          maxSizeBytes: 30_000_000_000,
          allowedOrigins: ['example.com', '*.example.com'],
          requireSignedURLs: true,
          scheduledDeletion: new Date('2026-06-01T00:00:00.999Z'),
        },
        status: 'READY',
        version: 2,
        updatedAt: after(12.345),
        progress: {
          totalBytes: 30_000_000_000,
          receivedBytes: 29_999_999_999,
          encodingPercent: 39.25,
        },
        failure: { code: 'ERR_NON_VIDEO', message: 'Das ist kein „Video“.' },
        video: {
          durationSeconds: 12.345678,
          width: 3840,
          height: 2160,
          sizeBytes: 29_999_999_999,
          hlsURL: 'https://example.com/video.m3u8',
          dashURL: 'https://example.com/video.mpd',
          thumbnailURL: 'https://example.com/thumbnail.jpg',
          previewURL: 'https://example.com/watch',
          readyAt: after(11.001),
        },
        describedAt: after(11.002),
        settingsAt: after(11.0025),
        goneAt: after(11.003),
      })
      const bare: Upload = uploadOf({
        ...full,
        name: null,
        meta: {},
        progress: { totalBytes: null, receivedBytes: null, encodingPercent: null },
        failure: null,
        video: null,
        describedAt: null,
        settingsAt: null,
        goneAt: null,
      })
      const unknown: Upload = uploadOf({
        ...bare,
        video: {
          durationSeconds: null,
          width: null,
          height: null,
          sizeBytes: null,
          hlsURL: null,
          dashURL: null,
          thumbnailURL: null,
          previewURL: null,
          readyAt: null,
        },
      })

      test.each([
        ['an upload with every field', full],
        ['an upload with required fields only', bare],
        ['a video without known properties', unknown],
        [
          'a deleted video with its previous status',
          uploadOf({
            ...full,
            status: 'DELETED',
            seenStatus: 'IN_PROGRESS',
            deletedAt: after(12.004),
          }),
        ],
      ])('%s is returned unchanged by every read', async (_what, upload) => {
        const { id, uid, uploadURL, protocol, creator, constraints } = upload
        const reservation = reservationOf({
          id,
          protocol,
          creator,
          constraints,
          name: upload.name,
          meta: upload.meta,
          totalBytes: 30_000_000_000,
          idempotencyKey: 'schlüssel 🔑',
          requestedBy: 'bob',
        })
        await store.reserve(reservation, unlimited)
        expect(await store.pendingReservations(after(1), 10)).toEqual([reservation])
        const minted = await store.mint(reservation, { uid, uploadURL }, after(1.001), after(15))
        expect(minted).toEqual({
          ...bare,
          name: upload.name,
          meta: upload.meta,
          status: 'PENDING_UPLOAD',
          seenStatus: 'PENDING_UPLOAD',
          version: 1,
          updatedAt: after(1.001),
          progress: { totalBytes: 30_000_000_000, receivedBytes: null, encodingPercent: null },
        })
        const change = changeOf(upload, { version: 2 }, { pollAt: after(20) })
        expect(await store.saveVersion(change)).toBe(true)

        const results = [
          await store.find(uid),
          (await store.findMany([uid]))[0],
          (await store.list({}, { direction: 'older', limit: 1 }))[0],
          (await store.findDue(after(20), 1))[0]?.upload,
          (await store.findByKey('bob', 'schlüssel 🔑', after(0)))?.upload,
          await (await suite.reopen()).find(uid),
        ]
        expect(results).toEqual(results.map(() => upload))
      })

      test('objects have their keys in a fixed order, so that equal objects serialize equally', async () => {
        const upload = await suite.mint({ id: 'full' })
        const { progress, failure, video } = full
        await store.saveVersion(changeOf(upload, { status: 'ERROR', progress, failure, video }))
        const found = await store.find(uidOf('full'))
        expect(JSON.stringify([found?.progress, found?.failure, found?.video])).toBe(
          JSON.stringify([progress, failure, video]),
        )
      })
    })

    describe('durability', () => {
      test('keeps everything after a restart', async () => {
        const upload = await suite.mint({ id: 'one', idempotencyKey: 'key' })
        await store.reserve(reservationOf({ id: 'two', creator: 'bob' }), unlimited)
        const event = { status: 'QUEUED', source: 'SYNC', at: after(5) } as const
        const quotaUsage = { reservedSeconds: 600, storedSeconds: 0 }
        await store.saveVersion(
          changeOf(upload, { status: 'QUEUED' }, { event, quotaUsage, pollAt: after(9) }),
        )
        await store.reschedulePolls([
          { uid: upload.uid, version: 2, pollAt: after(10), idlePolls: 3 },
        ])
        await store.saveUnmatchedWebhook('stranger', '{"a":1}', after(2))
        const { deployment } = store

        const again = await suite.reopen()
        expect(again.deployment).toBe(deployment)
        const queued = { ...upload, status: 'QUEUED', seenStatus: 'QUEUED', version: 2 }
        expect(await again.find(upload.uid)).toEqual(queued)
        expect((await again.historyOf(['one'])).get('one')).toEqual([
          { status: 'PENDING_UPLOAD', source: 'MUTATION', at: upload.createdAt },
          event,
        ])
        expect(await again.findDue(after(10), 9)).toEqual([
          { upload: queued, idlePolls: 3, missingPolls: 0 },
        ])
        expect(await again.quotaUsage()).toEqual({ reservedSeconds: 1200, storedSeconds: 0 })
        expect(await again.unmatchedWebhooks('stranger')).toEqual(['{"a":1}'])
        expect((await again.pendingReservations(after(1), 9)).map(({ id }) => id)).toEqual(['two'])
        const repeated = await again.reserve(
          reservationOf({ id: 'three', idempotencyKey: 'key' }),
          unlimited,
        )
        expect(repeated.kind).toBe('key-in-use')
      })

      test('gives each database its own deployment id', async () => {
        const other = await open()
        expect(other.store.deployment).not.toBe(store.deployment)
        expect(other.store.deployment).toMatch(/^[\w-]{4,64}$/)
        await other.store.close()
      })

      test('ping resolves while the store is open and rejects afterwards', async () => {
        const other = await open()
        await expect(other.store.ping()).resolves.toBeUndefined()
        await other.store.close()
        await expect(other.store.ping()).rejects.toThrow(/./)
      })
    })
  })
}
