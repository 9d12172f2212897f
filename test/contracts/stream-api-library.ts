/** StreamApi contract: finding, listing, changing, deleting and counting videos. */
import { randomUUID } from 'node:crypto'
import { decodeJwt } from 'jose'
import { describe, expect, test } from 'vitest'
import {
  expectNear,
  halfHourMs,
  playbackTokenParamsFor,
  uploadParamsFor,
  unsupportedError,
  type Suite,
} from './stream-suite.ts'

/** Registers the tests. */
export function describeVideos(suite: Suite): void {
  describe('findVideo', () => {
    test('returns null for an unknown video', async () => {
      expect(await suite.streamApi().findVideo('0'.repeat(32))).toBeNull()
    })
  })

  describe('listVideos', () => {
    test('lists the videos of one creator, newest first or oldest first', async () => {
      const creator = randomUUID()
      const uids = [
        await suite.mint(uploadParamsFor(creator)),
        await suite.mint(uploadParamsFor(creator)),
      ].map((video) => video.uid)
      const newest = await suite.streamApi().listVideos({ creator })
      const oldest = await suite.streamApi().listVideos({ creator, ascending: true })
      expect(oldest.videos.map((video) => video.uid)).toEqual(uids)
      expect(newest.videos.map((video) => video.uid)).toEqual(uids.toReversed())
      expect([null, 2]).toContain(newest.total)
    })

    test('lists by uid and omits unknown uids', async () => {
      const creator = randomUUID()
      const [one, other] = [
        await suite.mint(uploadParamsFor(creator)),
        await suite.mint(uploadParamsFor(creator)),
      ]
      await suite.mint(uploadParamsFor(creator))
      const uids = [one.uid, 'f'.repeat(32), other.uid]
      const { videos } = await suite.streamApi().listVideos({ uids })
      expect(videos.map((video) => video.uid).toSorted()).toEqual([one.uid, other.uid].toSorted())
      expect(await suite.streamApi().listVideos({ uids: [] })).toMatchObject({ videos: [] })
    })

    test('combines all conditions', async () => {
      const creator = randomUUID()
      const { uid } = await suite.mint(uploadParamsFor(creator))
      const pending = await suite
        .streamApi()
        .listVideos({ uids: [uid], creator, state: 'pendingupload' })
      expect(pending.videos).toHaveLength(1)
      const ready = await suite.streamApi().listVideos({ uids: [uid], creator, state: 'ready' })
      expect(ready.videos).toEqual([])
      const strange = await suite.streamApi().listVideos({ uids: [uid], creator: randomUUID() })
      expect(strange.videos).toEqual([])
    })

    test('filters by time: at or after, and before', async () => {
      const creator = randomUUID()
      const { uid } = await suite.mint(uploadParamsFor(creator))
      const createdAt = (await suite.streamApi().findVideo(uid))?.createdAt ?? new Date(Number.NaN)
      const after = await suite.streamApi().listVideos({ creator, createdAfter: createdAt })
      expect(after.videos).toHaveLength(1)
      const before = await suite.streamApi().listVideos({ creator, createdBefore: createdAt })
      expect(before.videos).toEqual([])
      const tomorrow = new Date(createdAt.getTime() + 86_400_000)
      expect(
        (await suite.streamApi().listVideos({ creator, createdBefore: tomorrow })).videos,
      ).toHaveLength(1)
      expect(
        (await suite.streamApi().listVideos({ creator, createdAfter: tomorrow })).videos,
      ).toEqual([])
    })

    test('counts videos beyond the limit', async () => {
      const creator = randomUUID()
      for (let count = 0; count < 3; count += 1) await suite.mint(uploadParamsFor(creator))
      const { videos, total } = await suite.streamApi().listVideos({ creator, limit: 2 })
      expect(videos).toHaveLength(2)
      expect([null, 3]).toContain(total)
    })
  })

  describe('updateVideo', () => {
    test('changes maximum duration, creator and meta of a pending upload, and nothing else', async () => {
      const params = uploadParamsFor(randomUUID())
      const { uid } = await suite.mint(params)
      const creator = randomUUID()
      const change = { maxDurationSeconds: 30, creator, meta: { name: 'new.mp4' } }
      const changed = await suite.streamApi().updateVideo(uid, change)
      const kept = await suite.streamApi().findVideo(uid)
      for (const video of [changed, kept]) {
        expect(video).toMatchObject({ uid, maxDurationSeconds: 30, creator })
        expect(video?.meta).toEqual({ name: 'new.mp4' })
        expectNear(video?.uploadExpiresAt, params.expiresAt)
      }
    })

    test('changes the deadline of a pending upload', async ({ skip }) => {
      skip(
        !suite.streamApi().capabilities.deadlineChanges,
        'not supported by this adapter; covered by another test',
      )
      const { uid } = await suite.mint(uploadParamsFor(randomUUID()))
      const expiresAt = new Date(Date.now() + 2 * halfHourMs)
      const changed = await suite.streamApi().updateVideo(uid, { expiresAt })
      expect(changed).toMatchObject({ uid, state: 'pendingupload' })
      expectNear(changed?.uploadExpiresAt, expiresAt)
      expectNear((await suite.streamApi().findVideo(uid))?.uploadExpiresAt, expiresAt)
    })

    test('changes nothing when the adapter cannot change the deadline', async ({ skip }) => {
      skip(suite.streamApi().capabilities.deadlineChanges, 'supported by this adapter')
      const params = uploadParamsFor(randomUUID())
      const { uid } = await suite.mint(params)
      const change = { maxDurationSeconds: 30, expiresAt: new Date(Date.now() + 2 * halfHourMs) }
      const changing = suite.streamApi().updateVideo(uid, change)
      await expect(changing).rejects.toMatchObject(unsupportedError)
      const kept = await suite.streamApi().findVideo(uid)
      expect(kept?.maxDurationSeconds).toBe(60)
      expectNear(kept?.uploadExpiresAt, params.expiresAt)
    })

    test('returns null for an unknown video', async () => {
      const meta = { name: 'x' }
      expect(await suite.streamApi().updateVideo('0'.repeat(32), { meta })).toBeNull()
    })
  })

  describe('deleteVideo', () => {
    test('deletes a video once and returns false the second time', async () => {
      const { uid } = await suite.mint(uploadParamsFor(randomUUID()))
      expect(await suite.streamApi().deleteVideo(uid)).toBe(true)
      expect(await suite.streamApi().findVideo(uid)).toBeNull()
      expect(await suite.streamApi().deleteVideo(uid)).toBe(false)
    })
  })

  describe('createPlaybackToken', () => {
    test('returns a token of the video, which expires within its life', async () => {
      const { uid } = await suite.mint({ ...uploadParamsFor(null), requireSignedURLs: true })
      const params = playbackTokenParamsFor(uid)
      const {
        sub,
        kid,
        exp = 0,
      } = decodeJwt((await suite.streamApi().createPlaybackToken(params)) ?? '')
      expect(sub).toBe(uid)
      expect(kid).toEqual(expect.any(String))
      expectNear(new Date(exp * 1000), params.expiresAt)
    })

    test('returns null for an unknown video', async () => {
      const params = playbackTokenParamsFor('0'.repeat(32))
      expect(await suite.streamApi().createPlaybackToken(params)).toBeNull()
    })
  })

  describe('storageUsage', () => {
    test('rejects with a message when storage usage is not supported', async ({ skip }) => {
      skip(suite.streamApi().capabilities.storageUsage, 'this adapter supports storage usage')
      await expect(suite.streamApi().storageUsage()).rejects.toMatchObject(unsupportedError)
    })

    test('counts the minutes of the account and of one creator', async ({ skip }) => {
      skip(
        !suite.streamApi().capabilities.storageUsage,
        'not supported by this adapter; covered by another test',
      )
      const account = await suite.streamApi().storageUsage()
      expect(account.storedMinutes).toBeGreaterThanOrEqual(0)
      expect(account.limitMinutes ?? 0).toBeGreaterThanOrEqual(0)
      expect(account.videoCount).toBeGreaterThanOrEqual(0)
      expect(await suite.streamApi().storageUsage(randomUUID())).toMatchObject({
        storedMinutes: 0,
        videoCount: 0,
      })
    })
  })
}
