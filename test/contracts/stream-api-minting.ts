/** The contract's part on minting: one-time URLs, and what an order leaves at Stream. */
import { randomUUID } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { StreamError } from '../../src/uploads/ports/stream-error.ts'
import { expectNear, orderOf, refusedInWords, type Suite } from './stream-suite.ts'

// tus at Stream takes pieces of 5 MiB and more, in multiples of 256 KiB, the last one excepted.
const pieceBytes = 5 * 1024 * 1024
const NO_TUS = 'this backend carries no tus, as another test shows'

/** Registers the tests. */
export function describeMinting(suite: Suite): void {
  describe('createDirectUpload', () => {
    test('mints a uid and an address of its own, each time anew', async () => {
      const creator = randomUUID()
      const [one, other] = [await suite.mint(orderOf(creator)), await suite.mint(orderOf(creator))]
      expect(one.uid).toMatch(/^[0-9a-f]{32}$/)
      expect(one.uid).not.toBe(other.uid)
      expect(one.uploadURL).not.toBe(other.uploadURL)
      expect(new URL(one.uploadURL).protocol).toMatch(/^https?:$/)
    })

    test('leaves a pending video that keeps what was ordered', async () => {
      const order = orderOf(randomUUID())
      const { uid } = await suite.mint(order)
      const video = await suite.backend().findVideo(uid)
      expect(video).toMatchObject({
        uid,
        state: 'pendingupload',
        readyToStream: false,
        readyAt: null,
        failure: null,
        durationSeconds: null,
        width: null,
        height: null,
        creator: order.creator,
        meta: order.meta,
        maxDurationSeconds: 60,
      })
      expect(video?.createdAt).toBeInstanceOf(Date)
      expectNear(video?.uploadExpiresAt, order.expiresAt)
    })

    test('keeps a creator and a name of any script', async () => {
      const creator = `Zoë 日本 ${randomUUID().slice(0, 8)}`
      const { uid } = await suite.mint({ ...orderOf(creator), meta: { name: 'été 🎬.mp4' } })
      expect(await suite.backend().findVideo(uid)).toMatchObject({
        creator,
        meta: { name: 'été 🎬.mp4' },
      })
    })

    test('keeps the text of its meta; other values as they are, or as JSON', async () => {
      const meta = { name: 'x.mp4', headgate: 'here/1', count: 3, tags: ['a', null], empty: '' }
      const { uid } = await suite.mint({ ...orderOf(randomUUID()), meta })
      const kept = (await suite.backend().findVideo(uid))?.meta
      expect(kept).toMatchObject({ name: 'x.mp4', headgate: 'here/1', empty: '' })
      expect([3, '3']).toContainEqual(kept?.['count'])
      expect([['a', null], '["a",null]']).toContainEqual(kept?.['tags'])
    })

    test('takes an order with every constraint, and one that belongs to nobody', async () => {
      const scheduledDeletion = new Date(Date.now() + 40 * 86_400_000)
      const { uid } = await suite.mint({
        ...orderOf(null),
        allowedOrigins: ['*.example.com', 'example.com'],
        requireSignedURLs: true,
        scheduledDeletion,
        thumbnailTimestampPct: 0.5,
      })
      expect(await suite.backend().findVideo(uid)).toMatchObject({
        state: 'pendingupload',
        creator: null,
      })
    })

    test('says so when Stream finds the order wrong', async () => {
      const minting = suite
        .backend()
        .createDirectUpload({ ...orderOf(null), maxDurationSeconds: 0 })
      await expect(minting).rejects.toBeInstanceOf(StreamError)
      await expect(minting).rejects.toMatchObject({ kind: 'invalid', mayHaveSucceeded: false })
    })
  })

  describe('createTusUpload', () => {
    test('is refused in words where the capabilities have no tus', async ({ skip }) => {
      skip(suite.backend().capabilities.tusUploads, 'this backend carries tus')
      const order = { ...orderOf(randomUUID()), sizeBytes: 1000 }
      await expect(suite.backend().createTusUpload(order)).rejects.toMatchObject(refusedInWords)
      await expect(
        suite.backend().readTusOffset('https://upload.example.com/tus/1'),
      ).rejects.toMatchObject(refusedInWords)
      expect((await suite.backend().listVideos({ creator: order.creator ?? '' })).videos).toEqual(
        [],
      )
    })

    test('leaves a pending video that keeps what was ordered', async ({ skip }) => {
      skip(!suite.backend().capabilities.tusUploads, NO_TUS)
      const order = { ...orderOf(randomUUID()), sizeBytes: 1000 }
      const { uid, uploadURL } = await suite.mintTus(order)
      expect(uid).toMatch(/^[0-9a-f]{32}$/)
      expect(new URL(uploadURL).protocol).toMatch(/^https?:$/)
      const video = await suite.backend().findVideo(uid)
      expect(video).toMatchObject({
        state: 'pendingupload',
        creator: order.creator,
        meta: order.meta,
        maxDurationSeconds: 60,
      })
      expectNear(video?.uploadExpiresAt, order.expiresAt)
    })

    test('keeps a name of any script, and other meta as text', async ({ skip }) => {
      skip(!suite.backend().capabilities.tusUploads, NO_TUS)
      const meta = { name: 'été 🎬.mp4', count: 3, empty: '' }
      const { uid } = await suite.mintTus({ ...orderOf(randomUUID()), meta, sizeBytes: 1000 })
      const video = await suite.backend().findVideo(uid)
      expect(video?.meta).toMatchObject({ name: 'été 🎬.mp4', count: '3' })
    })

    test('says how many bytes have arrived', async ({ skip }) => {
      skip(!suite.backend().capabilities.tusUploads, NO_TUS)
      const totalBytes = pieceBytes + 1000
      const order = { ...orderOf(randomUUID()), sizeBytes: totalBytes }
      const { uploadURL } = await suite.mintTus(order)
      expect(await suite.backend().readTusOffset(uploadURL)).toEqual({
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
        body: new Uint8Array(pieceBytes),
      })
      expect(sent.status).toBe(204)
      const offset = await suite.backend().readTusOffset(uploadURL)
      expect(offset).toEqual({ receivedBytes: pieceBytes, totalBytes })
    })

    test('has no offset for an address that is not usable any more', async ({ skip }) => {
      skip(!suite.backend().capabilities.tusUploads, NO_TUS)
      const { uid, uploadURL } = await suite.mintTus({ ...orderOf(null), sizeBytes: 1000 })
      await suite.backend().deleteVideo(uid)
      expect(await suite.backend().readTusOffset(uploadURL)).toBeNull()
    })
  })
}
