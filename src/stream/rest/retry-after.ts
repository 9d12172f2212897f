/** Reads the wait before the next call from Cloudflare's response headers. */
import { parseHttpDate } from '../../shared/http-date.ts'
import type { TransportHeaders } from './transport.ts'

// Upper bound: a date far ahead is an error of Cloudflare, and must not stop the gateway for weeks.
const MAX_SECONDS = 86_400

/**
 * Returns whole seconds from `now`; null if neither header has a valid value.
 * https://developers.cloudflare.com/fundamentals/api/reference/limits/
 */
export function readRetryAfter(headers: TransportHeaders, now: Date): number | null {
  const seconds = fromRetryAfter(headers.get('retry-after'), now) ?? fromRatelimit(headers)
  return seconds === null ? null : Math.min(Math.max(Math.ceil(seconds), 0), MAX_SECONDS)
}

// RFC 9110, 10.2.3: "The Retry-After field value can be either an HTTP-date or a number of
// seconds to delay after receiving the response."
function fromRetryAfter(value: string | null, now: Date): number | null {
  if (value === null) return null
  const text = value.trim()
  if (/^\d{1,15}(\.\d+)?$/.test(text)) return Number(text)
  const at = parseHttpDate(text)
  return at === null ? null : (at.getTime() - now.getTime()) / 1000
}

// `Ratelimit: "default";r=0;t=30`: nothing remains, and the window ends in 30 seconds. Of several
// exhausted limits the longest wait applies.
function fromRatelimit(headers: TransportHeaders): number | null {
  const waits = (headers.get('ratelimit') ?? '')
    .split(',')
    .filter((limit) => /;\s*r=0+(?:;|$)/.test(limit.trim()))
    .map((limit) => /;\s*t=(\d{1,9})/.exec(limit)?.[1])
    .filter((seconds) => seconds !== undefined)
    .map(Number)
  return waits.length === 0 ? null : Math.max(...waits)
}
