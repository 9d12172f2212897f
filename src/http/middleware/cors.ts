/** CORS by an exact list of origins. https://fetch.spec.whatwg.org/#http-cors-protocol */
import type { Logger } from '../../shared/logger.ts'
import type { Handler } from '../handler.ts'

const EXPOSED = ['Retry-After', 'WWW-Authenticate', 'X-Request-Id']
const PREFLIGHT_SECONDS = '600'

/** Longer than any origin that a browser sends: host names have at most 253 characters. */
const MAX_LOGGED_CHARACTERS = 300

/** What pages of other origins may do at an endpoint. */
export interface CorsRules {
  readonly origins: ReadonlySet<string>
  /** Such as `GET, POST`. */
  readonly methods: string
  /** Response headers that pages may read, besides `EXPOSED`. */
  readonly exposed?: readonly string[]
}

/** Returns the headers that let a page of this origin read the response. */
export function corsHeaders(
  origin: string,
  { exposed = [] }: Pick<CorsRules, 'exposed'> = {},
): Readonly<Record<string, string>> {
  return {
    'access-control-allow-origin': origin,
    'access-control-expose-headers': [...EXPOSED, ...exposed].join(', '),
  }
}

/**
 * Lets pages of allowed origins read that the path (404) or the method (405) is wrong. Without CORS headers,
 * browsers report a CORS error instead. Other responses, and the status for other origins, stay the same.
 */
export function withReadableErrors(
  origins: ReadonlySet<string>,
  log: Logger,
  endpoint: Handler,
): Handler {
  return async (request, client) => {
    const response = await endpoint(request, client)
    if (response.status !== 404 && response.status !== 405) return response
    if (origins.has(request.headers.get('origin') ?? '')) {
      return withCors({ origins, methods: 'GET, POST' }, log, async () => response)(request, client)
    }
    response.headers.append('vary', 'Origin')
    return response
  }
}

/** Handles preflight requests and adds CORS headers for allowed origins. Does not reject other requests. */
export function withCors(rules: CorsRules, log: Logger, endpoint: Handler): Handler {
  const { origins, methods } = rules
  return async (request, client) => {
    const origin = request.headers.get('origin')
    const allowed = origin !== null && origins.has(origin)
    const isPreflight =
      request.method === 'OPTIONS' && request.headers.has('access-control-request-method')

    const response = isPreflight
      ? new Response(null, { status: 204 })
      : await endpoint(request, client)
    // A cache must not return one origin's response to another.
    response.headers.append('vary', 'Origin')
    if (!allowed) {
      if (isPreflight) {
        log.info(
          { origin: origin?.slice(0, MAX_LOGGED_CHARACTERS) ?? null },
          'request rejected: origin not in ALLOWED_ORIGINS',
        )
      }
      return response
    }

    if (isPreflight) {
      const requestedHeaders = request.headers.get('access-control-request-headers')
      response.headers.set('access-control-allow-origin', origin)
      response.headers.set('access-control-allow-methods', methods)
      if (requestedHeaders !== null)
        response.headers.set('access-control-allow-headers', requestedHeaders)
      response.headers.set('access-control-max-age', PREFLIGHT_SECONDS)
    } else {
      for (const [name, value] of Object.entries(corsHeaders(origin, rules))) {
        response.headers.set(name, value)
      }
    }
    return response
  }
}
