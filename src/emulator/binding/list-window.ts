/** The comparisons of the binding's lists, as the window that the REST API takes. */
import { BindingError } from './binding-error.ts'
import type { Comparison, VideosListParams } from './binding-types.ts'
import { formatMicroseconds, parseMicroseconds } from '../timestamp.ts'

/** Microseconds since 1970, in which videos are created: from the first one to before the other. */
interface Span {
  readonly from: number
  readonly until: number
}

const ALWAYS: Span = { from: 0, until: Number.POSITIVE_INFINITY }

/** The parameters of `GET /stream`, newest first; null where no moment can fit. */
export function windowParameters(params: VideosListParams): URLSearchParams | null {
  const { limit, before, beforeComp = 'lt', after, afterComp = 'gte' } = params
  const spans = [
    before === undefined ? ALWAYS : spanOf('before', before, beforeComp),
    after === undefined ? ALWAYS : spanOf('after', after, afterComp),
  ]
  const from = Math.max(...spans.map((span) => span.from))
  const until = Math.min(...spans.map((span) => span.until))
  if (from >= until) return null
  const parameters = new URLSearchParams()
  if (limit !== undefined) parameters.set('limit', String(limit))
  // `start` is at or after, `end` is before.
  if (from > 0) parameters.set('start', formatMicroseconds(from))
  if (Number.isFinite(until)) parameters.set('end', formatMicroseconds(until))
  return parameters
}

function spanOf(field: 'before' | 'after', text: string, comparison: Comparison): Span {
  const moment = parseMicroseconds(text)
  if (moment === null) throw badRequest(`${field} must be an RFC 3339 time`)
  // Digits below a microsecond: no video was created at that very moment, but some around it.
  const isBetween = /\.\d{6}\d*[1-9]/.test(text)
  const next = moment + 1
  const first = isBetween ? next : moment
  switch (comparison) {
    case 'eq':
      return { from: first, until: next }
    case 'gt':
      return { from: next, until: ALWAYS.until }
    case 'gte':
      return { from: first, until: ALWAYS.until }
    case 'lt':
      return { from: ALWAYS.from, until: first }
    case 'lte':
      return { from: ALWAYS.from, until: next }
    default:
      throw badRequest(`${field}Comp must be eq, gt, gte, lt or lte`)
  }
}

function badRequest(message: string): BindingError {
  return new BindingError('BadRequestError', message, 10_005, 400)
}
