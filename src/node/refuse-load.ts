/** The answer to a request that is not taken on: prepared once, so that refusing costs next to nothing. */
import type { IncomingMessage, ServerResponse } from 'node:http'

const SENTENCE = 'The gateway has more to do than it can: try again in a second.'
const PLAIN = Buffer.from(`${SENTENCE}\n`)
/** As every GraphQL error: clients read the code, people the sentence. */
const GRAPHQL = Buffer.from(
  JSON.stringify({ errors: [{ message: SENTENCE, extensions: { code: 'OVERLOADED' } }] }),
)
/** https://www.rfc-editor.org/rfc/rfc9110#field.retry-after, in seconds. */
const HEADERS = [
  'retry-after',
  '1',
  'cache-control',
  'no-store',
  'x-content-type-options',
  'nosniff',
]
const PLAIN_HEADERS = headers('text/plain; charset=utf-8', PLAIN)
const JSON_HEADERS = headers('application/json; charset=utf-8', GRAPHQL)
/** The media type by which a client knows that a status other than 200 is GraphQL's too. */
const RESPONSE_TYPE = 'application/graphql-response+json'
const RESPONSE_HEADERS = headers(`${RESPONSE_TYPE}; charset=utf-8`, GRAPHQL)

/**
 * Answers 503. The connection stays: a new one would cost more than the refusal. A page of another
 * origin can read it only where that origin is named, which `allowedOrigins` says.
 */
export function refuseLoad(
  request: IncomingMessage,
  response: ServerResponse,
  allowedOrigins: ReadonlySet<string>,
): void {
  const { accept, origin } = request.headers
  const isGraphQL = request.url?.startsWith('/graphql') === true
  const body = isGraphQL ? GRAPHQL : PLAIN
  const prepared = isGraphQL
    ? accept?.includes(RESPONSE_TYPE) === true
      ? RESPONSE_HEADERS
      : JSON_HEADERS
    : PLAIN_HEADERS
  response.writeHead(
    503,
    origin === undefined ? prepared : [...prepared, ...cors(origin, allowedOrigins)],
  )
  response.end(body)
}

function headers(type: string, body: Buffer): string[] {
  return [...HEADERS, 'content-type', type, 'content-length', String(body.length)]
}

/** https://fetch.spec.whatwg.org/#http-responses */
function cors(origin: string, allowedOrigins: ReadonlySet<string>): readonly string[] {
  if (!allowedOrigins.has(origin)) return ['vary', 'Origin']
  return [
    'vary',
    'Origin',
    'access-control-allow-origin',
    origin,
    'access-control-expose-headers',
    'Retry-After',
  ]
}
