/** Lists, page by page, the videos that wait for their upload at Stream. */
import type { StreamBackend, StreamVideo, VideoQuery } from './ports/stream-api.ts'

/** Videos of one page: as many as Stream gives. */
const PAGE_SIZE = 1000

/** Oldest first, each once. Stream has no cursor: the next page begins where the last one ended. */
export async function* pendingVideos(
  stream: StreamBackend,
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
    const fresh = videos.filter((video) => !seen.has(video.uid))
    if (fresh.length > 0) yield fresh
    for (const video of fresh) seen.add(video.uid)
    const last = videos.at(-1)?.createdAt ?? null
    if (videos.length < PAGE_SIZE || fresh.length === 0 || last === null) return
    createdAfter = last
  }
}
