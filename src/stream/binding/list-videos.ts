/**
 * Lists videos by the Workers binding, which filters only by creation time and returns only newest
 * first. Other filters and orders are applied to the listed videos.
 */
import type { StreamVideo, VideoList, VideoQuery } from '../../uploads/ports/stream-api.ts'
import type { BindingListParams } from './binding-types.ts'

/** Maximum videos per list call, and per result of the port. */
const PAGE_SIZE = 1000
/** Concurrent video lookups: the limit of open connections of a Worker. */
const MAX_CONCURRENT_FINDS = 6

/** A listed video and the timestamp that continues the list after it. */
export interface ListedVideo {
  readonly video: StreamVideo
  /** RFC 3339 in Stream's full precision: milliseconds would skip videos. Null where missing. */
  readonly created: string | null
}

/** Applies the filters that the binding lacks. */
function matches(video: StreamVideo, query: VideoQuery): boolean {
  const { creator, state, createdAfter, createdBefore } = query
  if (creator !== undefined && video.creator !== creator) return false
  if (state !== undefined && video.state !== state) return false
  if (createdAfter === undefined && createdBefore === undefined) return true
  const at = video.createdAt?.getTime()
  if (at === undefined) return false
  return (
    (createdAfter === undefined || at >= createdAfter.getTime()) &&
    (createdBefore === undefined || at < createdBefore.getTime())
  )
}

/** Binding calls that find videos. */
export interface BindingCalls {
  readonly find: (uid: string) => Promise<StreamVideo | null>
  readonly list: (params: BindingListParams) => Promise<readonly ListedVideo[]>
}

/**
 * Returns the existing videos among the uids. For many uids one list call finds those among the
 * newest videos; each other uid costs a call, up to 6 at a time. The first failure rejects.
 */
export async function listByUids(
  uids: readonly string[],
  query: VideoQuery,
  { find, list }: BindingCalls,
): Promise<VideoList> {
  const pending = new Set(uids)
  const found: StreamVideo[] = []
  if (pending.size > MAX_CONCURRENT_FINDS) {
    for (const { video } of await list({ limit: Math.min(2 * pending.size, PAGE_SIZE) })) {
      if (pending.delete(video.uid) && matches(video, query)) found.push(video)
    }
  }
  const queue = [...pending]
  async function findQueued(): Promise<void> {
    for (let uid = queue.pop(); uid !== undefined; uid = queue.pop()) {
      try {
        const video = await find(uid)
        if (video !== null && matches(video, query)) found.push(video)
      } catch (error) {
        queue.length = 0
        throw error
      }
    }
  }
  await Promise.all(Array.from({ length: MAX_CONCURRENT_FINDS }, findQueued))
  const direction = query.ascending === true ? 1 : -1
  const videos = found.toSorted((a, b) => direction * (createdMs(a) - createdMs(b)))
  return { videos: videos.slice(0, query.limit ?? PAGE_SIZE), total: videos.length }
}

/**
 * Reads pages backward in time until `limit` is reached or no older video exists. Ascending order
 * reads the whole time range: without a start, one call per 1000 videos of the account. Stream's
 * maximum page size is not documented, so a short page does not end the list.
 */
export async function listByTime(
  query: VideoQuery,
  list: BindingCalls['list'],
): Promise<VideoList> {
  const limit = query.limit ?? PAGE_SIZE
  const ascending = query.ascending === true
  const isFiltered = query.creator !== undefined || query.state !== undefined
  const window: BindingListParams = {
    limit: ascending || isFiltered ? PAGE_SIZE : limit,
    ...(query.createdAfter === undefined
      ? {}
      : { after: query.createdAfter.toISOString(), afterComp: 'gte' }),
  }
  const seen = new Set<string>()
  const found: StreamVideo[] = []
  let until: Pick<BindingListParams, 'before' | 'beforeComp'> =
    query.createdBefore === undefined
      ? {}
      : { before: query.createdBefore.toISOString(), beforeComp: 'lt' }
  for (;;) {
    const page = await list({ ...window, ...until })
    const newVideos = page.map(({ video }) => video).filter(({ uid }) => !seen.has(uid))
    for (const video of newVideos) seen.add(video.uid)
    found.push(...newVideos.filter((video) => matches(video, query)))
    const oldest = page.at(-1)?.created ?? null
    const isComplete = newVideos.length === 0 || oldest === null
    if (isComplete || (!ascending && found.length >= limit)) {
      const videos = (ascending ? found.toReversed() : found).slice(0, limit)
      return { videos, total: isComplete ? found.length : null }
    }
    // Includes the last video again, with others of the same timestamp.
    until = { before: oldest, beforeComp: 'lte' }
  }
}

function createdMs(video: StreamVideo): number {
  return video.createdAt?.getTime() ?? 0
}
