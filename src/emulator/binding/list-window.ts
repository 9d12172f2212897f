/** Converts the list filters of the binding to parameters of the REST API. */
import { BindingError } from './binding-error.ts'
import type { Comparison, VideosListParams } from './binding-types.ts'
import { formatMicroseconds, parseMicroseconds } from '../timestamp.ts'

/** Range `[from, until)` of creation times in microseconds since 1970. */
interface TimeRange {
  readonly from: number
  readonly until: number
}

const UNBOUNDED: TimeRange = { from: 0, until: Number.POSITIVE_INFINITY }

/** Returns the parameters of `GET /stream`, newest first; null when no timestamp can match. */
export function listParameters(params: VideosListParams): URLSearchParams | null {
  const { limit, before, beforeComp = 'lt', after, afterComp = 'gte' } = params
  const ranges = [
    before === undefined ? UNBOUNDED : rangeOf('before', before, beforeComp),
    after === undefined ? UNBOUNDED : rangeOf('after', after, afterComp),
  ]
  const from = Math.max(...ranges.map((range) => range.from))
  const until = Math.min(...ranges.map((range) => range.until))
  if (from >= until) return null
  const parameters = new URLSearchParams()
  if (limit !== undefined) parameters.set('limit', String(limit))
  // `start` is inclusive, `end` is exclusive.
  if (from > 0) parameters.set('start', formatMicroseconds(from))
  if (Number.isFinite(until)) parameters.set('end', formatMicroseconds(until))
  return parameters
}

function rangeOf(field: 'before' | 'after', text: string, comparison: Comparison): TimeRange {
  const timestamp = parseMicroseconds(text)
  if (timestamp === null) throw badRequest(`${field} must be an RFC 3339 time`)
  // Digits below a microsecond: no creation time equals such a timestamp, but it lies between two.
  const isBetween = /\.\d{6}\d*[1-9]/.test(text)
  const next = timestamp + 1
  const first = isBetween ? next : timestamp
  switch (comparison) {
    case 'eq':
      return { from: first, until: next }
    case 'gt':
      return { from: next, until: UNBOUNDED.until }
    case 'gte':
      return { from: first, until: UNBOUNDED.until }
    case 'lt':
      return { from: UNBOUNDED.from, until: first }
    case 'lte':
      return { from: UNBOUNDED.from, until: next }
    default:
      throw badRequest(`${field}Comp must be eq, gt, gte, lt or lte`)
  }
}

function badRequest(message: string): BindingError {
  return new BindingError('BadRequestError', message, 10_005, 400)
}
