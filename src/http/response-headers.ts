/** Responses that are written without a web Response, and their cached header lists. */
import { corsHeaders } from './middleware/cors.ts'
import { securityHeaders } from './middleware/security-headers.ts'

export interface RawResponse {
  readonly status: number
  /** Names and values alternately. Shared by many responses: without request id and content length. */
  readonly headers: readonly string[]
  readonly text: string
}

export interface ResponseHeaderOptions {
  readonly origins: ReadonlySet<string>
  readonly https: boolean
}

/**
 * Returns names and values alternately, as Node takes them; the same array for the same arguments. Allowed
 * origins get CORS headers. `origin`: the Origin header, or null.
 */
export type ResponseHeaders = (origin: string | null, mediaType: string) => readonly string[]

/** Keeps proxies from buffering an event stream. */
const EVENT_STREAM_HEADERS = {
  'content-encoding': 'none',
  'cache-control': 'no-store, no-transform',
  'x-accel-buffering': 'no',
}

export function createResponseHeaders({ origins, https }: ResponseHeaderOptions): ResponseHeaders {
  const cache = new Map<string, readonly string[]>()

  function createHeaders(origin: string | null, mediaType: string): readonly string[] {
    const isStream = mediaType.startsWith('text/event-stream')
    return Object.entries({
      ...securityHeaders({ https }),
      ...(origin === null ? {} : corsHeaders(origin)),
      ...(isStream ? EVENT_STREAM_HEADERS : {}),
      vary: 'Origin',
      'content-type': mediaType,
    }).flat()
  }

  return (origin, mediaType) => {
    const allowedOrigin = origin !== null && origins.has(origin) ? origin : null
    // Bounded: there are few allowed origins and few media types.
    const key = allowedOrigin === null ? mediaType : `${mediaType} ${allowedOrigin}`
    const headers = cache.get(key) ?? createHeaders(allowedOrigin, mediaType)
    cache.set(key, headers)
    return headers
  }
}
