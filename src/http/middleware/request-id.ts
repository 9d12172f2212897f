/** Request ids: connect a response with its log lines. */
import type { Logger } from '../../shared/logger.ts'
import type { Dependencies } from '../../uploads/dependencies.ts'
import type { Handler, ClientInfo } from '../handler.ts'

/** Ids accepted from a trusted proxy; anything else could inject log lines. */
const VALID_ID = /^[\w.-]{1,64}$/
const UNKNOWN_CLIENT: ClientInfo = { address: null }

/**
 * Returns a generator of request ids. It returns the id of a trusted proxy if that is well-formed,
 * else a new one. A random prefix and a counter are cheaper than a random id for each request.
 */
export function createRequestIdGenerator(): (proxyId?: string | null) => string {
  let prefix: string | null = null
  let count = 0
  return (proxyId = null) => {
    if (proxyId !== null && VALID_ID.test(proxyId)) return proxyId
    // Not before the first request: Workers have no randomness outside a request.
    prefix ??= crypto.randomUUID().slice(0, 8)
    count += 1
    return `${prefix}-${count.toString(36)}`
  }
}

/** Passes the id to the handler and sets the response header `X-Request-Id`. */
export function withRequestId(
  nextId: (proxyId?: string | null) => string,
  endpoint: Handler,
): Handler {
  return async (request, client = UNKNOWN_CLIENT) => {
    const requestId = nextId(client.requestId)
    const response = await endpoint(request, { ...client, requestId })
    response.headers.set('x-request-id', requestId)
    return response
  }
}

/** Returns the dependencies with a logger that adds the request id. */
export function requestScoped(
  dependencies: Dependencies,
  requestId: string | undefined,
): Dependencies {
  return requestId === undefined
    ? dependencies
    : { ...dependencies, log: createRequestLogger(dependencies.log, requestId) }
}

/** Passed explicitly: `AsyncLocalStorage` would slow down every promise. */
export function createRequestLogger(log: Logger, requestId: string): Logger {
  return {
    debug: (fields, message) => log.debug({ requestId, ...fields }, message),
    info: (fields, message) => log.info({ requestId, ...fields }, message),
    warn: (fields, message) => log.warn({ requestId, ...fields }, message),
    error: (fields, message) => log.error({ requestId, ...fields }, message),
  }
}
