/** The GraphQL door: authentication in front of Yoga, GraphiQL for a browser. */
import { type Authenticate, isViewer } from '../auth/authenticate.ts'
import { type Door, readBody } from '../handler.ts'
import { withWordToComeBack } from './sse-reconnect.ts'
import { MAX_REQUEST_BYTES } from './endpoint.ts'
import type { Yoga } from './yoga.ts'

export interface GraphQLDoorOptions {
  /** The page that browsers are shown instead of an answer; null for nothing but answers. */
  readonly graphiQLPage: ((request: Request) => Promise<Response>) | null
  readonly allowedOrigins: readonly string[]
  /** Given when the gateway stops. */
  readonly closing: AbortSignal
}

export function createGraphQLDoor(
  yoga: Yoga,
  authenticate: Authenticate,
  options: GraphQLDoorOptions,
): Door {
  const page = options.graphiQLPage
  return async (request, visitor) => {
    // The page is shown to anybody; nothing is executed for it.
    if (page !== null && request.method === 'GET' && acceptsHTML(request)) {
      return page(request)
    }
    if (isFromElsewhere(request, options.allowedOrigins)) {
      return answer(
        request,
        403,
        'FORBIDDEN',
        'The page that asks is of an origin that is not let in.',
      )
    }
    // A form needs no preflight: taking one would let any page act for whoever visits it.
    if (request.method === 'POST' && !isJSON(request)) {
      return answer(request, 415, 'BAD_REQUEST', 'Send the request as application/json.')
    }
    const malformed = malformedParameter(request)
    if (malformed !== null) {
      return answer(request, 400, 'BAD_REQUEST', `\`${malformed}\` must be a JSON object.`)
    }
    const caller = await authenticate(request.headers.get('authorization'))
    if (!isViewer(caller)) {
      return caller.kind === 'unavailable'
        ? answer(request, 503, 'UNAVAILABLE', caller.message, { 'retry-after': '5' })
        : answer(request, 401, 'UNAUTHENTICATED', caller.message, { 'www-authenticate': 'Bearer' })
    }
    const bounded = await withinBound(request)
    if (bounded === null) {
      return answer(
        request,
        413,
        'CONTENT_TOO_LARGE',
        `A request has at most ${MAX_REQUEST_BYTES} bytes.`,
      )
    }
    const response = await yoga.fetch(bounded, { viewer: caller, requestId: visitor?.requestId })
    const isStream = response.headers.get('content-type')?.startsWith('text/event-stream') === true
    if (!isStream || response.body === null) return response
    const headers = new Headers(response.headers)
    headers.set('cache-control', 'no-store, no-transform')
    // Proxies that gather an answer before they pass it on would hold every event back.
    headers.set('x-accel-buffering', 'no')
    const { status } = response
    const events = withWordToComeBack(response.body, options.closing, request.signal)
    return new Response(events, { status, headers })
  }
}

/** Null where the body is too long. A length that is declared is kept by whoever carries the request. */
async function withinBound(request: Request): Promise<Request | null> {
  // Of other methods no body is read, and some may have none at all.
  if (request.body === null || request.method !== 'POST') return request
  const declared = request.headers.get('content-length')
  if (declared !== null) return Number(declared) > MAX_REQUEST_BYTES ? null : request
  const body = await readBody(request, MAX_REQUEST_BYTES)
  if (body === null) return null
  const { url, method, headers, signal } = request
  return new Request(url, { method, headers, signal, body: new Blob([new Uint8Array(body)]) })
}

/**
 * A GET needs no preflight: any page can have a visitor's browser send one, if not read the answer.
 * https://developer.mozilla.org/docs/Web/HTTP/Reference/Headers/Sec-Fetch-Site
 */
function isFromElsewhere({ method, headers }: Request, origins: readonly string[]): boolean {
  if (method !== 'GET') return false
  const origin = headers.get('origin')
  if (origin !== null) return !origins.includes(origin)
  return ['cross-site', 'same-site'].includes(headers.get('sec-fetch-site') ?? '')
}

/** https://graphql.github.io/graphql-over-http/draft/#sec-GET: both are JSON in the query string. */
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

function acceptsHTML(request: Request): boolean {
  return /\btext\/html\b/.test(request.headers.get('accept') ?? '')
}

/** https://graphql.github.io/graphql-over-http/draft/#sec-Media-Types */
function isJSON(request: Request): boolean {
  const [type = ''] = (request.headers.get('content-type') ?? '').split(';')
  return /^application\/(?:graphql\+)?json$/i.test(type.trim())
}

/** An error of a request that never became an operation, in the media type that the client prefers. */
function answer(
  request: Request,
  status: number,
  code: string,
  message: string,
  headers: Readonly<Record<string, string>> = {},
): Response {
  // https://graphql.github.io/graphql-over-http/draft/#sec-application-graphql-response-json: clients
  // read a body of this type whatever the status, and leave others of a 4xx unread.
  const prefers = /application\/graphql-response\+json/.test(request.headers.get('accept') ?? '')
  const type = prefers ? 'application/graphql-response+json' : 'application/json'
  return new Response(JSON.stringify({ errors: [{ message, extensions: { code } }] }), {
    status,
    headers: { ...headers, 'content-type': `${type}; charset=utf-8` },
  })
}
