/**
 * Deletes orphans: videos without an upload, left behind when a crash, timeout or broken connection lost
 * Stream's response to a creation. Their URL is unknown, and they use storage.
 */
import type { Reservation } from '../ports/upload-store.ts'
import type { StreamApi, StreamVideo, VideoQuery } from '../ports/stream-api.ts'
import { StreamError } from '../ports/stream-error.ts'
import { referenceIn } from '../reference.ts'
import type { Dependencies } from '../dependencies.ts'

/** Age in milliseconds after which a creation is no longer in flight: its timeout is 15 s. */
export const RESOLVE_AFTER_MS = 30_000

/** Tolerance for the difference between Stream's clock and the gateway's, in milliseconds. */
const CLOCK_SKEW_MS = 300_000

type ClearDependencies = Pick<Dependencies, 'stream' | 'store' | 'log'>

/**
 * Deletes every pending video at Stream whose reference this store reserved and that became no upload. Its
 * one-time URL was only in the lost response, so no client can use it. Then retires the reservations.
 * Returns the deleted videos and those that could not be deleted. Throws StreamError if Stream does not
 * respond; the reservations then stay as they were.
 *
 * `open` are reservations older than RESOLVE_AFTER_MS without an outcome. `since` also finds videos of
 * reservations retired too early.
 */
export async function deleteOrphans(
  { stream, store, log }: ClearDependencies,
  open: readonly Reservation[],
  since: Date | null,
  creator?: string,
): Promise<{ readonly deleted: number; readonly failed: number }> {
  const openIds = new Set(open.map((reservation) => reservation.id))
  const starts = open.map(({ createdAt }) => createdAt.getTime() - CLOCK_SKEW_MS)
  if (since !== null) starts.push(since.getTime() - CLOCK_SKEW_MS)
  const createdAfter = new Date(Math.min(...starts))

  let deleted = 0
  let failed = 0
  for await (const videos of listPendingVideos(stream, {
    createdAfter,
    ...(creator === undefined ? {} : { creator }),
  })) {
    for (const { video, reference } of await orphansAmong(videos, openIds, store)) {
      if (openIds.has(reference) && !(await isOpen(store, reference))) {
        openIds.delete(reference)
        continue
      }
      try {
        await stream.deleteVideo(video.uid)
        deleted += 1
        log.info({ uploadId: reference }, 'orphan deleted at Stream')
      } catch (error) {
        // This reservation stays open; the other orphans are still processed.
        if (!(error instanceof StreamError) || error.kind === 'rate-limited') throw error
        openIds.delete(reference)
        failed += 1
        log.warn(
          { uploadId: reference, errorKind: error.kind },
          'deleting an orphan failed; retried in the next sweep',
        )
      }
    }
  }
  for (const id of openIds) await store.retire(id)
  return { deleted, failed }
}

/**
 * Checked again before each deletion, which takes time. Meanwhile a retry with the same key may have resolved
 * the reservation, or a late response may have made it an upload.
 */
async function isOpen(store: Dependencies['store'], reference: string): Promise<boolean> {
  const outcome = (await store.findReferences([reference])).get(reference)
  return outcome?.uid === null && !outcome.retired
}

interface Orphan {
  readonly video: StreamVideo
  readonly reference: string
}

async function orphansAmong(
  videos: readonly StreamVideo[],
  openIds: ReadonlySet<string>,
  store: Dependencies['store'],
): Promise<readonly Orphan[]> {
  const references = new Map<StreamVideo, string>()
  for (const video of videos) {
    const reference = referenceIn(video, store.deployment)
    if (reference !== null) references.set(video, reference)
  }
  const known = await store.findReferences([...references.values()])
  return [...references].flatMap(([video, reference]) => {
    const outcome = known.get(reference)
    // The store never wrote this reference: it belongs to a copy of the database.
    if (outcome === undefined) return []
    // Neither minted nor retired: a creation in flight, unless it is older than RESOLVE_AFTER_MS.
    const isOrphan =
      outcome.uid === null ? outcome.retired || openIds.has(reference) : outcome.uid !== video.uid
    return isOrphan ? [{ video, reference }] : []
  })
}

/**
 * Videos per page. Stream returns up to 1,000, but one with the largest meta and origins has 20 kB, and a larger
 * response than 8 MiB is an error.
 */
const PAGE_SIZE = 200

/** Yields each video once, oldest first. Stream has no cursor, so a page starts at the last one's end. */
export async function* listPendingVideos(
  stream: StreamApi,
  query: Pick<VideoQuery, 'creator'> & { readonly createdAfter: Date },
): AsyncGenerator<readonly StreamVideo[], void, void> {
  const seen = new Set<string>()
  let createdAfter = query.createdAfter
  for (;;) {
    const { videos } = await stream.listVideos({
      ...query,
      createdAfter,
      state: 'pendingupload',
      ascending: true,
      limit: PAGE_SIZE,
    })
    const newVideos = videos.filter((video) => !seen.has(video.uid))
    if (newVideos.length > 0) yield newVideos
    for (const video of newVideos) seen.add(video.uid)
    const last = videos.at(-1)?.createdAt ?? null
    if (videos.length < PAGE_SIZE || newVideos.length === 0 || last === null) return
    createdAfter = last
  }
}
