/** The GraphQL door: authentication in front of Yoga, GraphiQL for a browser. */
import { type Authenticate, isViewer } from './authenticate.ts'
import type { Door } from './door.ts'
import { createGraphiQLPage } from './graphiql.ts'
import type { Yoga } from './yoga.ts'

export function createGraphQLDoor(
  yoga: Yoga,
  authenticate: Authenticate,
  options: { readonly introspection: boolean },
): Door {
  const page = createGraphiQLPage()
  return async (request) => {
    // The page is shown to anybody; nothing is executed for it.
    if (options.introspection && request.method === 'GET' && acceptsHTML(request)) return page()
    // A form needs no preflight: taking one would let any page act for whoever visits it.
    if (request.method === 'POST' && !isJSON(request)) {
      return answer(415, 'BAD_REQUEST', 'Send the request as application/json.')
    }
    const malformed = malformedParameter(request)
    if (malformed !== null) {
      return answer(400, 'BAD_REQUEST', `\`${malformed}\` must be a JSON object.`)
    }
    const caller = await authenticate(request.headers.get('authorization'))
    if (!isViewer(caller)) {
      return caller.kind === 'unavailable'
        ? answer(503, 'UNAVAILABLE', caller.message, { 'retry-after': '5' })
        : answer(401, 'UNAUTHENTICATED', caller.message, { 'www-authenticate': 'Bearer' })
    }
    const response = await yoga.fetch(request, { viewer: caller })
    if (response.headers.get('content-type')?.startsWith('text/event-stream') === true) {
      // Proxies that gather an answer before they pass it on would hold every event back.
      response.headers.set('x-accel-buffering', 'no')
    }
    return response
  }
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

function answer(
  status: number,
  code: string,
  message: string,
  headers: Readonly<Record<string, string>> = {},
): Response {
  return Response.json({ errors: [{ message, extensions: { code } }] }, { status, headers })
}
