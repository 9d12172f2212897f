/** Reads how long Cloudflare asks us to wait before the next call. */
import type { AnswerHeaders } from './transport.ts'

// A date far ahead is a mistake on the other side, not a reason to fall silent for a week.
const longestSeconds = 86_400

/**
 * Whole seconds from `now`; null where neither header says anything usable.
 * https://developers.cloudflare.com/fundamentals/api/reference/limits/
 */
export function readRetryAfter(headers: AnswerHeaders, now: Date): number | null {
  const seconds = fromRetryAfter(headers.get('retry-after'), now) ?? fromRatelimit(headers)
  return seconds === null ? null : Math.min(Math.max(Math.ceil(seconds), 0), longestSeconds)
}

// RFC 9110, 10.2.3: "The Retry-After field value can be either an HTTP-date or a number of
// seconds to delay after receiving the response."
function fromRetryAfter(value: string | null, now: Date): number | null {
  if (value === null) return null
  const text = value.trim()
  if (/^\d{1,15}(\.\d+)?$/.test(text)) return Number(text)
  // A date is told by its words; Date.parse alone would take "-1" for a year.
  const moment = /^[A-Za-z]{3,9},? /.test(text) ? Date.parse(text) : Number.NaN
  return Number.isNaN(moment) ? null : (moment - now.getTime()) / 1000
}

// `Ratelimit: "default";r=0;t=30`: nothing remains, and the window ends in 30 seconds. Several
// limits may be listed; the longest wait among the spent ones is the one that counts.
function fromRatelimit(headers: AnswerHeaders): number | null {
  const waits = (headers.get('ratelimit') ?? '')
    .split(',')
    .filter((limit) => /;\s*r=0+(?:;|$)/.test(limit.trim()))
    .map((limit) => /;\s*t=(\d{1,9})/.exec(limit)?.[1])
    .filter((seconds) => seconds !== undefined)
    .map(Number)
  return waits.length === 0 ? null : Math.max(...waits)
}
