/** CORS by an exact list of origins. https://fetch.spec.whatwg.org/#http-cors-protocol */
import type { Log } from '../../uploads/dependencies.ts'
import type { Door } from '../handler.ts'

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

/** What an answer to a page of a listed origin carries, so that the page may read it. */
export function corsHeaders(
  origin: string,
  { exposed = [] }: Pick<CorsRules, 'exposed'> = {},
): Readonly<Record<string, string>> {
  return {
    'access-control-allow-origin': origin,
    'access-control-expose-headers': [...EXPOSED, ...exposed].join(', '),
  }
}

/** Lets the pages of these origins, and no others, use the door from a browser. */
export function withCors(rules: CorsRules, log: Log, door: Door): Door {
  const { origins, methods } = rules
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

    if (isPreflight) {
      const asked = request.headers.get('access-control-request-headers')
      response.headers.set('access-control-allow-origin', origin)
      response.headers.set('access-control-allow-methods', methods)
      if (asked !== null) response.headers.set('access-control-allow-headers', asked)
      response.headers.set('access-control-max-age', PREFLIGHT_SECONDS)
    } else {
      for (const [name, value] of Object.entries(corsHeaders(origin, rules))) {
        response.headers.set(name, value)
      }
    }
    return response
  }
}
