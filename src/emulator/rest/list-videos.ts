/**
 * The list call with its filters and counts.
 * https://developers.cloudflare.com/api/resources/stream/methods/list/
 */
import { badRequest, succeed } from '../api-error.ts'
import type { Answer } from '../http-response.ts'
import { MAX_LIST } from '../limits.ts'
import { nameOf } from '../state/meta.ts'
import type { EmulatorParts } from '../dependencies.ts'
import { parseMicroseconds } from '../timestamp.ts'
import { videoJson } from '../state/video-json.ts'
import type { RowSelection } from '../state/video-library.ts'
import { progressAt, VIDEO_STATES, type Video } from '../state/video.ts'

/** States that Stream has and direct uploads never reach: right to ask for, and never found. */
const OTHER_STATES = ['downloading', 'live-inprogress']

interface ListQuery extends RowSelection {
  readonly states: readonly string[] | null
  readonly name: string | null
  /** Lower case; found anywhere in the name. */
  readonly search: string | null
  readonly limit: number
  readonly includeCounts: boolean
  /** True where the query asks for live recordings only. */
  readonly noneCanMatch: boolean
  /** True where each row that is selected matches, so that none has to be looked at. */
  readonly rowsDecide: boolean
}

export function listVideos(
  parts: Pick<EmulatorParts, 'clock' | 'library' | 'settings'>,
  parameters: URLSearchParams,
): Answer {
  const query = readListQuery(parameters)
  const now = parts.clock.now()
  const found: Video[] = []
  let total = 0
  for (const video of query.noneCanMatch ? [] : parts.library.select(query)) {
    if (!matches(video, query, now)) continue
    total += 1
    if (found.length < query.limit) found.push(video)
    if (found.length === query.limit && (!query.includeCounts || query.rowsDecide)) break
  }
  // Where rows alone decide what matches, SQLite counts them faster than we could read them.
  if (query.includeCounts && query.rowsDecide && total > 0) total = parts.library.count(query)
  const result = found.map((video) => videoJson(video, parts.settings.publicUrl, now))
  // "total" counts every match, "range" those in this answer; both are strings, as in the samples.
  return succeed(
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
  const given = (name: string): string | null => parameters.get(name) || null
  const type = given('type')
  if (type !== null && type !== 'vod' && type !== 'live') {
    throw badRequest('type must be vod or live')
  }
  const states = readStates(given('status'))
  const name = given('name') ?? given('video_name')
  const search = given('search')?.toLowerCase() ?? null
  // The one state that no time changes: the file has not come.
  const waiting = states !== null && states.every((state) => state === 'pendingupload')
  return {
    uids: given('id')?.split(',') ?? null,
    creator: given('creator'),
    from: readTime(parameters, ['start', 'after'], 0),
    until: readTime(parameters, ['end', 'before'], Number.MAX_SAFE_INTEGER),
    ascending: readFlag(parameters, 'asc'),
    states,
    waiting,
    name,
    search,
    limit: readLimit(given('limit')),
    includeCounts: readFlag(parameters, 'include_counts'),
    noneCanMatch: type === 'live' || given('live_input_id') !== null,
    rowsDecide: (states === null || waiting) && name === null && search === null,
  }
}

function readTime(parameters: URLSearchParams, names: readonly string[], other: number): number {
  for (const name of names) {
    const text = parameters.get(name)
    if (text === null || text === '') continue
    const time = parseMicroseconds(text)
    if (time === null) throw badRequest(`${name} must be an RFC 3339 time`)
    return time
  }
  return other
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
