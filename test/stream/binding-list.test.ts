/** Lists of the binding's adapter, which reads page by page, for several page sizes. */
import { expect, onTestFinished, test } from 'vitest'
import { createStreamBinding } from '../../src/emulator/binding/stream-binding.ts'
import { startEmulator } from '../../src/emulator/emulator.ts'
import { createBindingStreamApi } from '../../src/stream/binding/binding-stream-api.ts'
import { listPendingVideos } from '../../src/uploads/sync/delete-orphans.ts'
import { uploadParamsFor } from '../contracts/stream-suite.ts'
import { controlApiOf } from '../kit/emulator.ts'

/** Creates seven videos of two alternating creators; returns their uids, oldest first, and limits pages to `pageSize`. */
async function sevenVideos(pageSize: number) {
  const emulator = await startEmulator()
  onTestFinished(() => emulator.close())
  const binding = createStreamBinding(emulator)
  let calls = 0
  const backend = createBindingStreamApi({
    ...binding,
    videos: {
      list(params = {}) {
        calls += 1
        return binding.videos.list({
          ...params,
          limit: Math.min(params.limit ?? 1000, pageSize),
        })
      },
    },
  })
  const uids: string[] = []
  for (let count = 0; count < 7; count += 1)
    uids.push(
      (await backend.createDirectUpload(uploadParamsFor(count % 2 === 0 ? 'ada' : 'bo'))).uid,
    )
  const controlApi = controlApiOf(emulator.url)
  return {
    backend,
    uids,
    calls: () => calls,
    details: async () => (await controlApi.state()).requests['details'],
  }
}

const ids = (videos: readonly { readonly uid: string }[]) => videos.map(({ uid }) => uid)

// At least two: each page starts with the last video of the page before.
test.each([2, 3, 7, 1000])('lists all videos in pages of %i', async (pageSize) => {
  const { backend, uids } = await sevenVideos(pageSize)
  const oldest = await backend.listVideos({ ascending: true })
  expect(ids(oldest.videos)).toEqual(uids)
  expect(oldest.total).toBe(7)
  expect(ids((await backend.listVideos({})).videos)).toEqual(uids.toReversed())
  const bo = await backend.listVideos({ creator: 'bo', ascending: true, limit: 2 })
  expect(ids(bo.videos)).toEqual([uids[1], uids[3]])
  const pages: string[] = []
  for await (const page of listPendingVideos(backend, {
    createdAfter: new Date(0),
    creator: 'ada',
  }))
    pages.push(...ids(page))
  expect(pages).toEqual([uids[0], uids[2], uids[4], uids[6]])
})

test('lists the newest videos with one call', async () => {
  const { backend, uids, calls } = await sevenVideos(1000)
  expect(await backend.listVideos({ limit: 2 })).toMatchObject({
    videos: [{ uid: uids[6] }, { uid: uids[5] }],
    total: null,
  })
  expect(calls()).toBe(1)
})

test('finds many uids with one list, and one details call for each uid missing in it', async () => {
  const { backend, uids, calls, details } = await sevenVideos(5)
  const requested = [...uids.toReversed(), 'f'.repeat(32), 'no uid!', ...uids]
  const listed = await backend.listVideos({ uids: requested, ascending: true, limit: 6 })
  expect(listed.total).toBe(7)
  expect(new Set(ids(listed.videos)).size).toBe(6)
  const times = listed.videos.map(({ createdAt }) => createdAt?.getTime() ?? 0)
  expect(times).toEqual(times.toSorted((a, b) => a - b))
  expect(calls()).toBe(1)
  expect(await details()).toBe(3)
})

test('finds a few uids without a list, and applies all filters to them', async () => {
  const { backend, uids, calls, details } = await sevenVideos(1000)
  const bo = await backend.listVideos({ uids: uids.slice(0, 4), creator: 'bo' })
  expect(new Set(ids(bo.videos))).toEqual(new Set([uids[1], uids[3]]))
  expect(calls()).toBe(0)
  expect(await details()).toBe(4)
  const many = await backend.listVideos({ uids, creator: 'bo', state: 'pendingupload' })
  expect(many.total).toBe(3)
  expect(await details()).toBe(4)
})
