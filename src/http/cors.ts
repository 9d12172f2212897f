/** CORS by an exact list of origins. https://fetch.spec.whatwg.org/#http-cors-protocol */
import type { Log } from '../uploads/parts.ts'
import type { Door } from './door.ts'

const EXPOSED = ['Retry-After', 'WWW-Authenticate', 'X-Request-Id']
const PREFLIGHT_SECONDS = '600'

/** What the pages of other origins may do at a door. */
export interface CorsRules {
  readonly origins: ReadonlySet<string>
  /** Such as `GET, POST`. */
  readonly methods: string
  /** Headers of its answers that a page may read, besides those that all doors have. */
  readonly exposed?: readonly string[]
}

/** Lets the pages of these origins, and no others, use the door from a browser. */
export function withCors(
  { origins, methods, exposed = [] }: CorsRules,
  log: Log,
  door: Door,
): Door {
  const exposedHeaders = [...EXPOSED, ...exposed].join(', ')
  return async (request, visitor) => {
    const origin = request.headers.get('origin')
    const allowed = origin !== null && origins.has(origin)
    const isPreflight =
      request.method === 'OPTIONS' && request.headers.has('access-control-request-method')

    const response = isPreflight
      ? new Response(null, { status: 204 })
      : await door(request, visitor)
    // Caches must not give one origin's answer to another.
    response.headers.append('vary', 'Origin')
    if (!allowed) {
      if (isPreflight)
        log.info({ origin }, 'a page was refused: its origin is not in ALLOWED_ORIGINS')
      return response
    }

    response.headers.set('access-control-allow-origin', origin)
    if (isPreflight) {
      const asked = request.headers.get('access-control-request-headers')
      response.headers.set('access-control-allow-methods', methods)
      if (asked !== null) response.headers.set('access-control-allow-headers', asked)
      response.headers.set('access-control-max-age', PREFLIGHT_SECONDS)
    } else {
      response.headers.set('access-control-expose-headers', exposedHeaders)
    }
    return response
  }
}
