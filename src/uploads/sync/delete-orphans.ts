/**
 * Clears away what a lost answer left behind: a crash, a time-out or a cut connection between
 * Stream's work and its answer leaves a video that nobody can upload to, and that holds storage.
 */
import type { Reservation } from '../ports/upload-store.ts'
import type { StreamVideo } from '../ports/stream-api.ts'
import { StreamError } from '../ports/stream-error.ts'
import { referenceOf } from '../create/stream-params.ts'
import type { Parts } from '../dependencies.ts'
import { pendingVideos } from '../pending-videos.ts'

/** A creation that was asked for this long ago is not on its way any more: its time limit is 15 s. */
export const SETTLE_AFTER_MS = 30_000
/** Clocks differ: look for videos from a little before we asked. */
const CLOCK_DIFFERENCE_MS = 300_000

type ClearParts = Pick<Parts, 'stream' | 'store' | 'log'>

/**
 * Deletes at Stream every video whose reference this database reserved and that became no upload: its
 * one-time URL came with the lost answer only, and Stream never tells it again, so that nobody could
 * use it. Then the reservations are given up. Returns how many videos were deleted, and how
 * many could not be; throws
 * StreamError where Stream does not answer, with the reservations as they were.
 *
 * `open` are reservations older than SETTLE_AFTER_MS without an outcome; with `since`, videos of
 * reservations that were given up too early are found as well.
 */
export async function clearOrphans(
  { stream, store, log }: ClearParts,
  open: readonly Reservation[],
  since: Date | null,
  creator?: string,
): Promise<{ readonly deleted: number; readonly left: number }> {
  const settling = new Set(open.map((reservation) => reservation.id))
  const starts = open.map(({ createdAt }) => createdAt.getTime() - CLOCK_DIFFERENCE_MS)
  if (since !== null) starts.push(since.getTime() - CLOCK_DIFFERENCE_MS)
  const createdAfter = new Date(Math.min(...starts))

  let deleted = 0
  let left = 0
  for await (const videos of pendingVideos(stream, {
    createdAfter,
    ...(creator === undefined ? {} : { creator }),
  })) {
    for (const { video, reference } of await orphansAmong(videos, settling, store)) {
      if (settling.has(reference) && !(await isOpen(store, reference))) {
        settling.delete(reference)
        continue
      }
      try {
        await stream.deleteVideo(video.uid)
        deleted += 1
        log.info({ reference }, 'orphan deleted at Stream')
      } catch (error) {
        // One that cannot be deleted now keeps its reservation, and no other waits for it.
        if (!(error instanceof StreamError) || error.kind === 'rate-limited') throw error
        settling.delete(reference)
        left += 1
        log.warn({ reference, kind: error.kind }, 'orphan not deleted yet')
      }
    }
  }
  for (const id of settling) await store.retire(id)
  return { deleted, left }
}

/**
 * Asked before each deletion, which takes its time: whoever came back with a key may have settled its
 * reservation since the list was made, or a late answer may have made an upload of it after all.
 */
async function isOpen(store: Parts['store'], reference: string): Promise<boolean> {
  const fate = (await store.knownReferences([reference])).get(reference)
  return fate?.uid === null && !fate.retired
}

interface Orphan {
  readonly video: StreamVideo
  readonly reference: string
}

async function orphansAmong(
  videos: readonly StreamVideo[],
  settling: ReadonlySet<string>,
  store: Parts['store'],
): Promise<readonly Orphan[]> {
  const references = new Map<StreamVideo, string>()
  for (const video of videos) {
    const reference = referenceOf(video, store.deployment)
    if (reference !== null) references.set(video, reference)
  }
  const known = await store.knownReferences([...references.values()])
  return [...references].flatMap(([video, reference]) => {
    const fate = known.get(reference)
    // A reference that this database never wrote belongs to a copy of it: not ours to delete.
    if (fate === undefined) return []
    // Neither minted nor given up: a creation under way, unless it has been so for too long.
    const isOrphan =
      fate.uid === null ? fate.retired || settling.has(reference) : fate.uid !== video.uid
    return isOrphan ? [{ video, reference }] : []
  })
}
