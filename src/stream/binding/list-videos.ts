/**
 * Lists by the Workers binding, which knows no filter but the time of creation, and no order but
 * newest first: what else is asked for is found by looking through them.
 */
import type { StreamVideo, VideoList, VideoQuery } from '../../uploads/ports/stream-api.ts'
import type { BoundListParams } from './binding-types.ts'

/** Videos of one list call, and of one answer of the port. */
const PAGE_SIZE = 1000
/** Videos that are asked after at the same time: as many connections as a Worker may have open. */
const AT_ONCE = 6

/** A video of a list, and the moment to go on from behind it. */
export interface Listed {
  readonly video: StreamVideo
  /** RFC 3339, as exact as Stream told it: milliseconds would pass over others. Null without one. */
  readonly created: string | null
}

/** All conditions that the binding leaves to us. */
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

/** The calls by which videos are asked after. */
export interface BoundCalls {
  readonly find: (uid: string) => Promise<StreamVideo | null>
  readonly list: (params: BoundListParams) => Promise<readonly Listed[]>
}

/**
 * Those of the uids that there are. Where many are asked after, most are among the newest videos,
 * which one list tells; the others cost one call each, a few at a time. The first failure ends it.
 */
export async function listByUids(
  uids: readonly string[],
  query: VideoQuery,
  { find, list }: BoundCalls,
): Promise<VideoList> {
  const asked = new Set(uids)
  const found: StreamVideo[] = []
  if (asked.size > AT_ONCE) {
    for (const { video } of await list({ limit: Math.min(2 * asked.size, PAGE_SIZE) })) {
      if (asked.delete(video.uid) && matches(video, query)) found.push(video)
    }
  }
  const left = [...asked]
  async function findSome(): Promise<void> {
    for (let uid = left.pop(); uid !== undefined; uid = left.pop()) {
      try {
        const video = await find(uid)
        if (video !== null && matches(video, query)) found.push(video)
      } catch (error) {
        left.length = 0
        throw error
      }
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, findSome))
  const direction = query.ascending === true ? 1 : -1
  const videos = found.toSorted((a, b) => direction * (age(a) - age(b)))
  return { videos: videos.slice(0, query.limit ?? PAGE_SIZE), total: videos.length }
}

/**
 * Goes back in time page by page, until there is enough or nothing older. Oldest first means to go
 * through all of the window, so that a window without a start costs a call for each 1000 videos of
 * the account. How many one call gives at most is not documented, so a short page ends nothing.
 */
export async function listWindow(query: VideoQuery, list: BoundCalls['list']): Promise<VideoList> {
  const limit = query.limit ?? PAGE_SIZE
  const ascending = query.ascending === true
  const isFiltered = query.creator !== undefined || query.state !== undefined
  const window: BoundListParams = {
    limit: ascending || isFiltered ? PAGE_SIZE : limit,
    ...(query.createdAfter === undefined
      ? {}
      : { after: query.createdAfter.toISOString(), afterComp: 'gte' }),
  }
  const seen = new Set<string>()
  const found: StreamVideo[] = []
  let until: Pick<BoundListParams, 'before' | 'beforeComp'> =
    query.createdBefore === undefined
      ? {}
      : { before: query.createdBefore.toISOString(), beforeComp: 'lt' }
  for (;;) {
    const page = await list({ ...window, ...until })
    const fresh = page.map(({ video }) => video).filter(({ uid }) => !seen.has(uid))
    for (const video of fresh) seen.add(video.uid)
    found.push(...fresh.filter((video) => matches(video, query)))
    const oldest = page.at(-1)?.created ?? null
    const isOver = fresh.length === 0 || oldest === null
    if (isOver || (!ascending && found.length >= limit)) {
      const videos = (ascending ? found.toReversed() : found).slice(0, limit)
      return { videos, total: isOver ? found.length : null }
    }
    // The last one comes again, with whatever was created at the same moment.
    until = { before: oldest, beforeComp: 'lte' }
  }
}

function age(video: StreamVideo): number {
  return video.createdAt?.getTime() ?? 0
}
