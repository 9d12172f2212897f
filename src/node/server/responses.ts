/** Writes raw responses: those of the fast path, 500 and 503. */
import type { ServerResponse, IncomingMessage } from 'node:http'
import type { HostResponses } from '../../http/host-responses.ts'
import type { Logger } from '../../shared/logger.ts'
import { endResponse } from './end-response.ts'
import { type RequestInfo, methodOf } from './request-info.ts'
import { GRAPHQL_PATH } from '../../http/graphql/endpoint.ts'
import { GRAPHQL_RESPONSE, JSON_TYPE } from '../../http/graphql/plugins/accept.ts'
import type { RawResponse, ResponseHeaders } from '../../http/response-headers.ts'

/** Copies of header lists with extra slots for request id and content length, by the original list. */
const extendedHeaders = new WeakMap<readonly string[], string[]>()

/** Returns the length of the body in bytes. */
export function writeResponse(
  res: ServerResponse,
  { status, headers, text }: RawResponse,
  requestId: string,
): number {
  const bytes = Buffer.byteLength(text)
  const list = extendedHeaders.get(headers) ?? [
    ...headers,
    'x-request-id',
    '',
    'content-length',
    '',
  ]
  extendedHeaders.set(headers, list)
  list[list.length - 3] = requestId
  list[list.length - 1] = String(bytes)
  // Node reads the list before it returns.
  res.writeHead(status, list)
  endResponse(res, text)
  return bytes
}

/** Logs the error and responds 500 with the request id; disconnects if the response has started. */
export function writeUnexpectedError(
  res: ServerResponse,
  { hostResponses, log }: { readonly hostResponses: HostResponses; readonly log: Logger },
  { requestId, startedAt, client }: RequestInfo,
  error: unknown,
): void {
  log.error({ requestId, err: error }, 'unexpected error')
  if (res.headersSent) {
    res.destroy()
    return
  }
  const status = 500
  const { url = '', headers } = res.req
  const method = methodOf(res.req)
  hostResponses.record({ url, method, status, requestId, startedAt, client })
  writeResponse(
    res,
    {
      status,
      headers: hostResponses.headers(headers.origin ?? null, 'text/plain; charset=utf-8'),
      text: `Unexpected error. Report this request id: ${requestId}\n`,
    },
    requestId,
  )
}

const MESSAGE = 'The gateway is overloaded. Retry in 1 second.'
const PLAIN_BODY = `${MESSAGE}\n`

const GRAPHQL_BODY = JSON.stringify({
  errors: [{ message: MESSAGE, extensions: { code: 'OVERLOADED' } }],
})

/** https://www.rfc-editor.org/rfc/rfc9110#field.retry-after, in seconds. */
const RETRY_AFTER = ['retry-after', '1']

/** Cached by header list: there is one list per origin and media type. */
const responseCache = new WeakMap<readonly string[], RawResponse>()
function overloadedResponse(headers: readonly string[], text: string): RawResponse {
  const cached = responseCache.get(headers)
  if (cached !== undefined) return cached
  const response = { status: 503, headers: [...headers, ...RETRY_AFTER], text }
  responseCache.set(headers, response)
  return response
}

/** Responds 503. Keeps the connection open: a new one would cost more than the rejection. */
export function writeOverloaded(
  request: IncomingMessage,
  response: ServerResponse,
  headersFor: ResponseHeaders,
  requestId: string,
): void {
  const { accept, origin } = request.headers
  const isGraphQL = request.url?.startsWith(GRAPHQL_PATH) === true
  const type = isGraphQL ? graphQLType(accept) : 'text/plain'
  const headers = headersFor(origin ?? null, `${type}; charset=utf-8`)
  writeResponse(
    response,
    overloadedResponse(headers, isGraphQL ? GRAPHQL_BODY : PLAIN_BODY),
    requestId,
  )
}

/** Searches the header instead of parsing it: a rejection must cost much less than a response. */
function graphQLType(accept = ''): string {
  return accept.includes(GRAPHQL_RESPONSE) ? GRAPHQL_RESPONSE : JSON_TYPE
}
