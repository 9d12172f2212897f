/** The contract's part on what lies at Stream: finding, listing, changing, deleting, counting. */
import { randomUUID } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { expectNear, halfHourMs, orderOf, refusedInWords, type Suite } from './stream-suite.ts'

/** Registers the tests. */
export function describeLibrary(suite: Suite): void {
  describe('findVideo', () => {
    test('is null for a video that never was', async () => {
      expect(await suite.backend().findVideo('0'.repeat(32))).toBeNull()
    })
  })

  describe('listVideos', () => {
    test('lists one creator, newest first or oldest first', async () => {
      const creator = randomUUID()
      const uids = [await suite.mint(orderOf(creator)), await suite.mint(orderOf(creator))].map(
        (video) => video.uid,
      )
      const newest = await suite.backend().listVideos({ creator })
      const oldest = await suite.backend().listVideos({ creator, ascending: true })
      expect(oldest.videos.map((video) => video.uid)).toEqual(uids)
      expect(newest.videos.map((video) => video.uid)).toEqual(uids.toReversed())
      expect([null, 2]).toContain(newest.total)
    })

    test('lists by uid, and misses what is not there', async () => {
      const creator = randomUUID()
      const [one, other] = [await suite.mint(orderOf(creator)), await suite.mint(orderOf(creator))]
      await suite.mint(orderOf(creator))
      const uids = [one.uid, 'f'.repeat(32), other.uid]
      const { videos } = await suite.backend().listVideos({ uids })
      expect(videos.map((video) => video.uid).toSorted()).toEqual([one.uid, other.uid].toSorted())
      expect(await suite.backend().listVideos({ uids: [] })).toMatchObject({ videos: [] })
    })

    test('takes all conditions together', async () => {
      const creator = randomUUID()
      const { uid } = await suite.mint(orderOf(creator))
      const pending = await suite
        .backend()
        .listVideos({ uids: [uid], creator, state: 'pendingupload' })
      expect(pending.videos).toHaveLength(1)
      const ready = await suite.backend().listVideos({ uids: [uid], creator, state: 'ready' })
      expect(ready.videos).toEqual([])
      const strange = await suite.backend().listVideos({ uids: [uid], creator: randomUUID() })
      expect(strange.videos).toEqual([])
    })

    test('takes times: at or after, and before', async () => {
      const creator = randomUUID()
      const { uid } = await suite.mint(orderOf(creator))
      const createdAt = (await suite.backend().findVideo(uid))?.createdAt ?? new Date(Number.NaN)
      const after = await suite.backend().listVideos({ creator, createdAfter: createdAt })
      expect(after.videos).toHaveLength(1)
      const before = await suite.backend().listVideos({ creator, createdBefore: createdAt })
      expect(before.videos).toEqual([])
      const tomorrow = new Date(createdAt.getTime() + 86_400_000)
      expect(
        (await suite.backend().listVideos({ creator, createdBefore: tomorrow })).videos,
      ).toHaveLength(1)
      expect(
        (await suite.backend().listVideos({ creator, createdAfter: tomorrow })).videos,
      ).toEqual([])
    })

    test('counts beyond the limit', async () => {
      const creator = randomUUID()
      for (let count = 0; count < 3; count += 1) await suite.mint(orderOf(creator))
      const { videos, total } = await suite.backend().listVideos({ creator, limit: 2 })
      expect(videos).toHaveLength(2)
      expect([null, 3]).toContain(total)
    })
  })

  describe('updateVideo', () => {
    test("changes a pending upload's cap, creator and meta, and nothing else", async () => {
      const order = orderOf(randomUUID())
      const { uid } = await suite.mint(order)
      const creator = randomUUID()
      const change = { maxDurationSeconds: 30, creator, meta: { name: 'new.mp4' } }
      const changed = await suite.backend().updateVideo(uid, change)
      const kept = await suite.backend().findVideo(uid)
      for (const video of [changed, kept]) {
        expect(video).toMatchObject({ uid, maxDurationSeconds: 30, creator })
        expect(video?.meta).toEqual({ name: 'new.mp4' })
        expectNear(video?.uploadExpiresAt, order.expiresAt)
      }
    })

    test("moves a pending upload's deadline", async ({ skip }) => {
      skip(!suite.backend().capabilities.deadlineChanges, 'refused, as another test shows')
      const { uid } = await suite.mint(orderOf(randomUUID()))
      const expiresAt = new Date(Date.now() + 2 * halfHourMs)
      const changed = await suite.backend().updateVideo(uid, { expiresAt })
      expect(changed).toMatchObject({ uid, state: 'pendingupload' })
      expectNear(changed?.uploadExpiresAt, expiresAt)
      expectNear((await suite.backend().findVideo(uid))?.uploadExpiresAt, expiresAt)
    })

    test('changes nothing at all where it cannot move the deadline', async ({ skip }) => {
      skip(suite.backend().capabilities.deadlineChanges, 'this backend can')
      const order = orderOf(randomUUID())
      const { uid } = await suite.mint(order)
      const change = { maxDurationSeconds: 30, expiresAt: new Date(Date.now() + 2 * halfHourMs) }
      const changing = suite.backend().updateVideo(uid, change)
      await expect(changing).rejects.toMatchObject(refusedInWords)
      const kept = await suite.backend().findVideo(uid)
      expect(kept?.maxDurationSeconds).toBe(60)
      expectNear(kept?.uploadExpiresAt, order.expiresAt)
    })

    test('is null for a video that never was', async () => {
      const meta = { name: 'x' }
      expect(await suite.backend().updateVideo('0'.repeat(32), { meta })).toBeNull()
    })
  })

  describe('deleteVideo', () => {
    test('deletes once; twice is the same', async () => {
      const { uid } = await suite.mint(orderOf(randomUUID()))
      expect(await suite.backend().deleteVideo(uid)).toBe(true)
      expect(await suite.backend().findVideo(uid)).toBeNull()
      expect(await suite.backend().deleteVideo(uid)).toBe(false)
    })
  })

  describe('storageUsage', () => {
    test('is refused in words where the capabilities have none', async ({ skip }) => {
      skip(suite.backend().capabilities.storageUsage, 'this backend tells the storage')
      await expect(suite.backend().storageUsage()).rejects.toMatchObject(refusedInWords)
    })

    test("counts the account's minutes, and one creator's", async ({ skip }) => {
      skip(!suite.backend().capabilities.storageUsage, 'refused, as another test shows')
      const account = await suite.backend().storageUsage()
      expect(account.storedMinutes).toBeGreaterThanOrEqual(0)
      expect(account.limitMinutes ?? 0).toBeGreaterThanOrEqual(0)
      expect(account.videoCount).toBeGreaterThanOrEqual(0)
      expect(await suite.backend().storageUsage(randomUUID())).toMatchObject({
        storedMinutes: 0,
        videoCount: 0,
      })
    })
  })
}
