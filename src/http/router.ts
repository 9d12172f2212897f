/** Routes each request to its handler by path, and logs the response. */
import type { Telemetry } from '../uploads/ports/telemetry.ts'
import type { Logger } from '../shared/logger.ts'
import { type Handler, type ClientInfo, textResponse } from './handler.ts'
import { endpointPath } from './endpoint-path.ts'
import { errorResponseFor } from './middleware/error-response.ts'
import type { AccessLog } from './middleware/access-log.ts'
import { METHOD_OVERRIDE, effectiveMethod } from './tus/tus-request.ts'

/**
 * Turns an error of a handler into a logged 500 or 503. Must be inside `withCors`, so that pages of other
 * origins can read the response.
 */
export function withErrorResponse(log: Logger, endpoint: Handler): Handler {
  return async (request, client) => {
    try {
      return await endpoint(request, client)
    } catch (error) {
      if (request.signal.aborted) return textResponse(499, 'Client closed the request.')
      const requestId = client?.requestId ?? crypto.randomUUID()
      const { status, message, headers } = errorResponseFor(log, error, requestId)
      return textResponse(status, message, headers)
    }
  }
}

/** @param paths paths of all endpoints */
export function createNotFoundHandler(paths: readonly string[]): Handler {
  const sentence = `Not found. Endpoints: ${paths.join(', ')}`
  return async () => textResponse(404, sentence)
}

/**
 * @param endpoints handlers by path, which may end with a slash in a request; they must not throw
 * @param notFound handles all other paths
 */
export function createRouter(
  endpoints: Readonly<Record<string, Handler>>,
  notFound: Handler,
  telemetry: Pick<Telemetry, 'responseSent'>,
  accessLog: AccessLog,
): Handler {
  const byPath = new Map(Object.entries(endpoints))

  return async (request, clientInfo?: ClientInfo) => {
    const url = readURL(request.url)
    if (url === null) return textResponse(400, 'Malformed URL or Host header.')
    const path = endpointPath(url.pathname)
    const override = request.headers.get(METHOD_OVERRIDE)
    const method = effectiveMethod(request.url, request.method, override)
    const endpoint = byPath.get(path)
    if (endpoint === undefined) {
      const response = await notFound(request, clientInfo)
      telemetry.responseSent(null, method, response.status)
      return response
    }

    const startedAt = performance.now()
    const response = await endpoint(request, clientInfo)
    const { status } = response
    const requestId = clientInfo?.requestId
    const client = (): string | null => clientInfo?.address ?? null
    accessLog({ path, method, status, requestId, startedAt, client })
    return response
  }
}

/**
 * Returns null for a URL that a malformed Host header made invalid, or that has user information: no Fetch API
 * request can be created for it. https://fetch.spec.whatwg.org/#dom-request
 */
function readURL(text: string): URL | null {
  if (!URL.canParse(text)) return null
  const url = new URL(text)
  return url.username === '' && url.password === '' ? url : null
}
