/** Handler for GraphQL over HTTP: authenticates requests for Yoga and serves GraphiQL to browsers. */
import { type Authenticate, isViewer } from '../auth/authenticate.ts'
import { type Handler, readBody } from '../handler.ts'
import { type Accept, parseAccept, prefersHTML } from '../header-lists.ts'
import { createSubscriptionState } from '../../graphql/context.ts'
import { withReconnect } from './sse-reconnect.ts'
import { MAX_REQUEST_BYTES, YOGA_JSON_TYPE, isJSONType } from './endpoint.ts'
import { JSON_TYPE, RESULT_MEDIA_TYPES, jsonMediaType, resultMediaType } from './plugins/accept.ts'
import type { Yoga } from './yoga.ts'

export interface GraphQLHandlerOptions {
  /** Serves GraphiQL to GET requests that accept HTML; null disables GraphiQL. */
  readonly graphiQLPage: ((request: Request) => Promise<Response>) | null
  readonly allowedOrigins: readonly string[]
}

export function createGraphQLHandler(
  yoga: Yoga,
  authenticate: Authenticate,
  options: GraphQLHandlerOptions,
): Handler {
  const page = options.graphiQLPage
  return async (request, client) => {
    const accept = parseAccept(request.headers.get('accept'))
    // GraphiQL needs no authentication: loading it executes nothing.
    if (page !== null && request.method === 'GET') {
      if (prefersHTML(accept, RESULT_MEDIA_TYPES)) return page(request)
    }
    if (isCrossSite(request, options.allowedOrigins)) {
      return errorResponse(
        accept,
        403,
        'FORBIDDEN',
        'Origin not allowed. Add it to ALLOWED_ORIGINS.',
      )
    }
    // CSRF protection: HTML forms are sent cross-origin without a preflight.
    if (request.method === 'POST' && !isJSONType(request.headers.get('content-type') ?? '')) {
      return errorResponse(
        accept,
        415,
        'BAD_REQUEST',
        `Unsupported media type. Send ${JSON_TYPE}.`,
        // https://www.rfc-editor.org/rfc/rfc9110#section-15.5.16
        { accept: JSON_TYPE },
      )
    }
    const caller = await authenticate(request.headers.get('authorization'))
    if (!isViewer(caller)) {
      return caller.kind === 'unavailable'
        ? errorResponse(accept, 503, 'UNAVAILABLE', caller.message, { 'retry-after': '5' })
        : errorResponse(accept, 401, 'UNAUTHENTICATED', caller.message, {
            'www-authenticate': 'Bearer',
          })
    }
    // After authentication: a long query string costs as much as the rest of the request.
    const malformed = malformedParameter(request)
    if (malformed !== null) {
      return errorResponse(accept, 400, 'BAD_REQUEST', `\`${malformed}\` must be a JSON object.`)
    }
    // Before anything is executed: Yoga reads the header only when there is a result.
    if (resultMediaType(accept) === null) {
      const accepted = RESULT_MEDIA_TYPES.join(', ')
      return errorResponse(accept, 406, 'NOT_ACCEPTABLE', `Not acceptable. Accepted: ${accepted}.`)
    }
    const limited = await withinLimit(request)
    if (limited === null) {
      return errorResponse(
        accept,
        413,
        'CONTENT_TOO_LARGE',
        `Request body too large (limit: ${MAX_REQUEST_BYTES} bytes).`,
      )
    }
    const subscription = createSubscriptionState()
    const response = await yoga.fetch(limited, {
      viewer: caller,
      requestId: client?.requestId,
      accept,
      subscription,
    })
    const isStream = response.headers.get('content-type')?.startsWith('text/event-stream') === true
    if (!isStream || response.body === null) return response
    const headers = new Headers(response.headers)
    headers.set('cache-control', 'no-store, no-transform')
    // Disables response buffering in proxies, which would delay events.
    headers.set('x-accel-buffering', 'no')
    const { status } = response
    const isInterrupted = (): boolean => subscription.isInterrupted()
    const events = withReconnect(response.body, isInterrupted, request.signal)
    return new Response(events, { status, headers })
  }
}

/**
 * Returns the request as Yoga can read it; null if the body is too long. The HTTP server enforces a declared
 * Content-Length.
 */
async function withinLimit(request: Request): Promise<Request | null> {
  // Yoga reads bodies of POST requests only.
  if (request.body === null || request.method !== 'POST') return request
  const declared = request.headers.get('content-length')
  if (Number(declared) > MAX_REQUEST_BYTES) return null
  const isReadable = YOGA_JSON_TYPE.test(request.headers.get('content-type') ?? '')
  if (declared !== null && isReadable) return request
  const body = await readBody(request, MAX_REQUEST_BYTES)
  if (body === null) return null
  const { url, method, signal } = request
  const headers = new Headers(request.headers)
  headers.set('content-type', JSON_TYPE)
  return new Request(url, { method, headers, signal, body: new Blob([new Uint8Array(body)]) })
}

/**
 * Whether a GET request comes from a page of an origin that is not allowed. Browsers send cross-origin
 * GET requests without a preflight.
 * https://developer.mozilla.org/docs/Web/HTTP/Reference/Headers/Sec-Fetch-Site
 */
function isCrossSite({ method, headers }: Request, origins: readonly string[]): boolean {
  if (method !== 'GET') return false
  const origin = headers.get('origin')
  if (origin !== null) return !origins.includes(origin)
  return ['cross-site', 'same-site'].includes(headers.get('sec-fetch-site') ?? '')
}

/**
 * Returns the name of a query parameter that must be a JSON object but is not, or null.
 * https://graphql.github.io/graphql-over-http/draft/#sec-GET
 */
function malformedParameter(request: Request): string | null {
  if (request.method !== 'GET') return null
  const parameters = new URL(request.url).searchParams
  const names = ['variables', 'extensions']
  return names.find((name) => !isJSONObject(parameters.get(name))) ?? null
}

function isJSONObject(text: string | null): boolean {
  if (text === null || text === '' || text === 'null') return true
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && !Array.isArray(value)
  } catch {
    return false
  }
}

/** Creates an error response for a request that was not executed, in the client's preferred media type. */
function errorResponse(
  accept: Accept,
  status: number,
  code: string,
  message: string,
  headers: Readonly<Record<string, string>> = {},
): Response {
  // Clients read a 4xx body only if it has this media type.
  // https://graphql.github.io/graphql-over-http/draft/#sec-application-graphql-response-json
  const type = jsonMediaType(accept) ?? JSON_TYPE
  return new Response(JSON.stringify({ errors: [{ message, extensions: { code } }] }), {
    status,
    headers: { ...headers, 'content-type': `${type}; charset=utf-8` },
  })
}
