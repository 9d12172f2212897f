/** The GraphQL door: authentication in front of Yoga, GraphiQL for a browser. */
import { type Authenticate, isViewer } from './authenticate.ts'
import type { Door } from './door.ts'
import type { Yoga } from './yoga.ts'

export function createGraphQLDoor(yoga: Yoga, authenticate: Authenticate): Door {
  return async (request) => {
    if (request.method === 'GET' && acceptsHTML(request)) return yoga.fetch(request)
    // A form needs no preflight: taking one would let any page act for whoever visits it.
    if (request.method === 'POST' && !isJSON(request)) {
      return answer(415, 'BAD_REQUEST', 'Send the request as application/json.')
    }
    const caller = await authenticate(request.headers.get('authorization'))
    if (!isViewer(caller)) {
      return answer(401, 'UNAUTHENTICATED', caller.message, { 'www-authenticate': 'Bearer' })
    }
    return yoga.fetch(request, { viewer: caller })
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
