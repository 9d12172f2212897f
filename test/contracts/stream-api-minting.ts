/** StreamApi contract: minting one-time URLs, and the video that Stream creates. */
import { randomUUID } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { StreamError } from '../../src/uploads/ports/stream-error.ts'
import { expectNear, uploadParamsFor, unsupportedError, type Suite } from './stream-suite.ts'

// tus at Stream accepts chunks of at least 5 MiB in multiples of 256 KiB, except for the last.
const chunkBytes = 5 * 1024 * 1024
const NO_TUS = 'this adapter does not support tus; covered by another test'

/** Registers the tests. */
export function describeMinting(suite: Suite): void {
  describe('createDirectUpload', () => {
    test('returns a new uid and URL for each call', async () => {
      const creator = randomUUID()
      const [one, other] = [
        await suite.mint(uploadParamsFor(creator)),
        await suite.mint(uploadParamsFor(creator)),
      ]
      expect(one.uid).toMatch(/^[0-9a-f]{32}$/)
      expect(one.uid).not.toBe(other.uid)
      expect(one.uploadURL).not.toBe(other.uploadURL)
      expect(new URL(one.uploadURL).protocol).toMatch(/^https?:$/)
    })

    test('creates a pending video with the given params', async () => {
      const params = uploadParamsFor(randomUUID())
      const { uid } = await suite.mint(params)
      const video = await suite.streamApi().findVideo(uid)
      expect(video).toMatchObject({
        uid,
        state: 'pendingupload',
        readyToStream: false,
        readyAt: null,
        failure: null,
        durationSeconds: null,
        width: null,
        height: null,
        creator: params.creator,
        meta: params.meta,
        maxDurationSeconds: 60,
      })
      expect(video?.createdAt).toBeInstanceOf(Date)
      expectNear(video?.uploadExpiresAt, params.expiresAt)
    })

    test('stores a creator and a name with non-ASCII characters', async () => {
      const creator = `Zoë 日本 ${randomUUID().slice(0, 8)}`
      const { uid } = await suite.mint({
        ...uploadParamsFor(creator),
        meta: { name: 'été 🎬.mp4' },
      })
      expect(await suite.streamApi().findVideo(uid)).toMatchObject({
        creator,
        meta: { name: 'été 🎬.mp4' },
      })
    })

    test('stores text values of meta unchanged, and other values unchanged or as JSON', async () => {
      const meta = { name: 'x.mp4', headgate: 'here/1', count: 3, tags: ['a', null], empty: '' }
      const { uid } = await suite.mint({ ...uploadParamsFor(randomUUID()), meta })
      const kept = (await suite.streamApi().findVideo(uid))?.meta
      expect(kept).toMatchObject({ name: 'x.mp4', headgate: 'here/1', empty: '' })
      expect([3, '3']).toContainEqual(kept?.['count'])
      expect([['a', null], '["a",null]']).toContainEqual(kept?.['tags'])
    })

    test('accepts params with every constraint and without a creator', async () => {
      const scheduledDeletion = new Date(Date.now() + 40 * 86_400_000)
      const { uid } = await suite.mint({
        ...uploadParamsFor(null),
        allowedOrigins: ['*.example.com', 'example.com'],
        requireSignedURLs: true,
        scheduledDeletion,
        thumbnailTimestampPct: 0.5,
      })
      expect(await suite.streamApi().findVideo(uid)).toMatchObject({
        state: 'pendingupload',
        creator: null,
      })
    })

    test('rejects with kind "invalid" when Stream rejects the params', async () => {
      const minting = suite
        .streamApi()
        .createDirectUpload({ ...uploadParamsFor(null), maxDurationSeconds: 0 })
      await expect(minting).rejects.toBeInstanceOf(StreamError)
      await expect(minting).rejects.toMatchObject({ kind: 'invalid', mayHaveSucceeded: false })
    })
  })

  describe('createTusUpload', () => {
    test('rejects with a message when tus is not supported', async ({ skip }) => {
      skip(suite.streamApi().capabilities.tusUploads, 'this adapter supports tus')
      const params = { ...uploadParamsFor(randomUUID()), sizeBytes: 1000 }
      await expect(suite.streamApi().createTusUpload(params)).rejects.toMatchObject(
        unsupportedError,
      )
      await expect(
        suite.streamApi().readTusOffset('https://upload.example.com/tus/1'),
      ).rejects.toMatchObject(unsupportedError)
      expect(
        (await suite.streamApi().listVideos({ creator: params.creator ?? '' })).videos,
      ).toEqual([])
    })

    test('creates a pending video with the given params', async ({ skip }) => {
      skip(!suite.streamApi().capabilities.tusUploads, NO_TUS)
      const params = { ...uploadParamsFor(randomUUID()), sizeBytes: 1000 }
      const { uid, uploadURL } = await suite.mintTus(params)
      expect(uid).toMatch(/^[0-9a-f]{32}$/)
      expect(new URL(uploadURL).protocol).toMatch(/^https?:$/)
      const video = await suite.streamApi().findVideo(uid)
      expect(video).toMatchObject({
        state: 'pendingupload',
        creator: params.creator,
        meta: params.meta,
        maxDurationSeconds: 60,
      })
      expectNear(video?.uploadExpiresAt, params.expiresAt)
    })

    test('stores a non-ASCII name, and other meta as text', async ({ skip }) => {
      skip(!suite.streamApi().capabilities.tusUploads, NO_TUS)
      const meta = { name: 'été 🎬.mp4', count: 3, empty: '' }
      const { uid } = await suite.mintTus({
        ...uploadParamsFor(randomUUID()),
        meta,
        sizeBytes: 1000,
      })
      const video = await suite.streamApi().findVideo(uid)
      expect(video?.meta).toMatchObject({ name: 'été 🎬.mp4', count: '3' })
    })

    test('returns the number of received bytes', async ({ skip }) => {
      skip(!suite.streamApi().capabilities.tusUploads, NO_TUS)
      const totalBytes = chunkBytes + 1000
      const params = { ...uploadParamsFor(randomUUID()), sizeBytes: totalBytes }
      const { uploadURL } = await suite.mintTus(params)
      expect(await suite.streamApi().readTusOffset(uploadURL)).toEqual({
        receivedBytes: 0,
        totalBytes,
      })
      const sent = await fetch(uploadURL, {
        method: 'PATCH',
        headers: {
          'tus-resumable': '1.0.0',
          'upload-offset': '0',
          'content-type': 'application/offset+octet-stream',
        },
        body: new Uint8Array(chunkBytes),
      })
      expect(sent.status).toBe(204)
      const offset = await suite.streamApi().readTusOffset(uploadURL)
      expect(offset).toEqual({ receivedBytes: chunkBytes, totalBytes })
    })

    test('returns null for a URL that is no longer usable', async ({ skip }) => {
      skip(!suite.streamApi().capabilities.tusUploads, NO_TUS)
      const { uid, uploadURL } = await suite.mintTus({ ...uploadParamsFor(null), sizeBytes: 1000 })
      await suite.streamApi().deleteVideo(uid)
      expect(await suite.streamApi().readTusOffset(uploadURL)).toBeNull()
    })
  })
}
