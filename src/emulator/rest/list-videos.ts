/**
 * Handler of the list call, with its filters and counts.
 * https://developers.cloudflare.com/api/resources/stream/methods/list/
 */
import { badRequest, successResponse } from '../api-error.ts'
import type { HttpResponse } from '../http-response.ts'
import { MAX_LIST } from '../limits.ts'
import { nameOf } from '../state/meta.ts'
import type { EmulatorDependencies } from '../dependencies.ts'
import { parseMicroseconds } from '../timestamp.ts'
import { videoJson } from '../state/video-json.ts'
import type { RowFilter } from '../state/video-library.ts'
import { progressAt, VIDEO_STATES, type Video } from '../state/video.ts'

/** States of Stream that direct uploads never reach: valid in a filter, but without matches. */
const OTHER_STATES = ['downloading', 'live-inprogress']

interface ListQuery extends RowFilter {
  readonly states: readonly string[] | null
  readonly name: string | null
  /** Lower-case text; matches anywhere in the name. */
  readonly search: string | null
  readonly limit: number
  readonly includeCounts: boolean
  /** True when the query selects live recordings only. */
  readonly noneCanMatch: boolean
  /** True when every selected row matches, so that no row needs a further check. */
  readonly rowsDecide: boolean
}

export function listVideos(
  dependencies: Pick<EmulatorDependencies, 'clock' | 'library' | 'settings'>,
  parameters: URLSearchParams,
): HttpResponse {
  const query = readListQuery(parameters)
  const now = dependencies.clock.now()
  const found: Video[] = []
  let total = 0
  for (const video of query.noneCanMatch ? [] : dependencies.library.select(query)) {
    if (!matches(video, query, now)) continue
    total += 1
    if (found.length < query.limit) found.push(video)
    if (found.length === query.limit && (!query.includeCounts || query.rowsDecide)) break
  }
  // When every selected row matches, counting in SQLite is faster than reading the rows.
  if (query.includeCounts && query.rowsDecide && total > 0)
    total = dependencies.library.count(query)
  const result = found.map((video) => videoJson(video, dependencies.settings.publicUrl, now))
  // "total" counts all matches, "range" those returned. Both are strings, as in Stream's samples.
  return successResponse(
    result,
    query.includeCounts ? { total: String(total), range: String(found.length) } : {},
  )
}

function matches(video: Video, query: ListQuery, now: number): boolean {
  if (query.states !== null && !query.states.includes(progressAt(video, now).state)) return false
  const name = nameOf(video.meta)
  if (query.name !== null && name !== query.name) return false
  return query.search === null || (name ?? '').toLowerCase().includes(query.search)
}

function readListQuery(parameters: URLSearchParams): ListQuery {
  const param = (name: string): string | null => parameters.get(name) || null
  const type = param('type')
  if (type !== null && type !== 'vod' && type !== 'live') {
    throw badRequest('type must be vod or live')
  }
  const states = readStates(param('status'))
  const name = param('name') ?? param('video_name')
  const search = param('search')?.toLowerCase() ?? null
  // The only state that does not depend on the time: no file was received.
  const waiting = states !== null && states.every((state) => state === 'pendingupload')
  return {
    uids: param('id')?.split(',') ?? null,
    creator: param('creator'),
    from: readTime(parameters, ['start', 'after'], 0),
    until: readTime(parameters, ['end', 'before'], Number.MAX_SAFE_INTEGER),
    ascending: readFlag(parameters, 'asc'),
    states,
    waiting,
    name,
    search,
    limit: readLimit(param('limit')),
    includeCounts: readFlag(parameters, 'include_counts'),
    noneCanMatch: type === 'live' || param('live_input_id') !== null,
    rowsDecide: (states === null || waiting) && name === null && search === null,
  }
}

function readTime(parameters: URLSearchParams, names: readonly string[], fallback: number): number {
  for (const name of names) {
    const text = parameters.get(name)
    if (text === null || text === '') continue
    const time = parseMicroseconds(text)
    if (time === null) throw badRequest(`${name} must be an RFC 3339 time`)
    return time
  }
  return fallback
}

function readStates(text: string | null): readonly string[] | null {
  if (text === null) return null
  const states = text.split(',')
  const known: readonly string[] = [...VIDEO_STATES, ...OTHER_STATES]
  if (states.every((state) => known.includes(state))) return states
  throw badRequest(`status must be of ${known.join(', ')}`)
}

function readLimit(text: string | null): number {
  if (text === null) return MAX_LIST
  const limit = Number(text)
  if (Number.isInteger(limit) && limit >= 1 && limit <= MAX_LIST) return limit
  throw badRequest(`limit must be an integer from 1 to ${MAX_LIST}`)
}

function readFlag(parameters: URLSearchParams, name: string): boolean {
  const text = parameters.get(name)
  if (text === null || text === 'false' || text === '0') return false
  if (text === 'true' || text === '1' || text === '') return true
  throw badRequest(`${name} must be true or false`)
}
