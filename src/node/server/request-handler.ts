/** Serves Node's requests: by the GraphQL fast path if possible, else through a web Request. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServerAdapter } from '@whatwg-node/server'
import type { TrustedProxies } from '../../config/trusted-proxies.ts'
import type { Gateway } from '../../http/gateway.ts'
import { type Connections, createConnections } from './connections.ts'
import { onceEnded } from './end-response.ts'
import { type RequestInfo, createRequestInfoReader, methodOf } from './request-info.ts'
import { createGuard } from '../../shared/guard-listener.ts'
import { endpointPath } from '../../http/endpoint-path.ts'
import { GRAPHQL_PATH, MAX_REQUEST_BYTES, isJSONType } from '../../http/graphql/endpoint.ts'
import { createSubscriber } from '../../http/graphql/fast-path/subscriptions/subscriber.ts'
import type { EventStreamResponse } from '../../http/graphql/fast-path/fast-path.ts'
import type { FastRequest } from '../../http/graphql/fast-path/fast-request.ts'
import type { RawResponse } from '../../http/response-headers.ts'
import { MAX_WEBHOOK_BYTES } from '../../http/webhooks/process-webhook.ts'
import { WholeBody, readWhole } from './read-body.ts'
import { type RequestBody, createRequestBodies, discardBody } from './request-bodies.ts'
import type { Turns } from './turns.ts'
import { createSseStreams } from './sse-writer.ts'
import type { Logger } from '../../shared/logger.ts'
import { writeOverloaded, writeResponse, writeUnexpectedError } from './responses.ts'
import { isEventStream, sendResponse } from './send-response.ts'
import type { UnreadBytes } from './unread-bytes.ts'
import { type Load, createLoadShedder } from './load-shedder.ts'
import type { Scheduling } from './accept-priority.ts'

/** A request that waits to be served. */
interface AcceptedRequest {
  readonly res: ServerResponse
  /** A body that may not have arrived yet. Null if the request has none, or if `bytes` is not null. */
  readonly body: RequestBody | null
  /** The whole body, or the first bytes of a body that is too large. Null if it was not read yet. */
  readonly bytes: Buffer | null
}

/** Passed by the adapter besides the web Request. */
interface NodeContext {
  readonly req: IncomingMessage
  /** The request that the fast path bailed out of, so that it can learn the operation; null for all others. */
  readonly fastRequest: FastRequest | null
}

/** Exempt from load shedding, up to MAX_EXEMPT requests: monitoring must work under overload. */
const NEVER_SHED: ReadonlySet<string> = new Set(['/healthz', '/readyz', '/metrics'])

/** Exempt requests in flight or accepted in one tick. Above it they go to the load shedder like all others. */
const MAX_EXEMPT = 16

/** Many times the requests that one machine serves in the duration of one request. */
const MAX_IN_FLIGHT = 1000

export interface RequestHandlerOptions {
  readonly gateway: Pick<Gateway, 'fetch' | 'fastPath' | 'nextRequestId' | 'hostResponses'>
  readonly log: Logger
  readonly trustedProxies: TrustedProxies
  readonly unreadBytes: UnreadBytes
  /** Milliseconds in which a client must read a whole response. Event streams are exempt. */
  readonly readMs: number
  readonly scheduling: Scheduling
  readonly eventTurns: Turns
}

/** Listener for requests of Node's server. */
export interface RequestHandler {
  /** Never throws. */
  readonly listener: (req: IncomingMessage, res: ServerResponse) => void
  readonly connections: Pick<Connections, 'accept' | 'isBusy' | 'isWaitingForClient' | 'unfinished'>
  readonly load: () => Load
}

export function createRequestHandler({
  gateway,
  log,
  trustedProxies,
  unreadBytes,
  readMs,
  scheduling,
  eventTurns,
}: RequestHandlerOptions): RequestHandler {
  const { fastPath, nextRequestId, hostResponses } = gateway
  const { addressOf, networkOf, requestIdOf, requestOf } = createRequestInfoReader(
    nextRequestId,
    trustedProxies,
  )
  const turnsOf = (req: IncomingMessage) => () => eventTurns.next(networkOf(req))
  const streams = createSseStreams({ onWritten: unreadBytes.written })
  const connections = createConnections({ unreadBytes, readMs })
  const requestBodies = createRequestBodies()
  const loadShedder = createLoadShedder<AcceptedRequest>({
    ...scheduling,
    maxInFlight: MAX_IN_FLIGHT,
    inFlight: () => connections.inFlight(),
    clientOf: ({ res }) => networkOf(res.req),
    serve(request) {
      // The connection may have closed while the request waited in the queue.
      if (!request.res.destroyed) dispatch(request)
    },
    reject({ res, body }) {
      body?.allowEarlyResponse()
      // Clients that retry at once would otherwise delay the connections that are being accepted.
      scheduling.acceptPriority.whenNotPaused(() => respondOverloaded(res))
    },
  })

  function respondOverloaded(res: ServerResponse): void {
    if (res.destroyed) return
    const requestInfo = requestOf(res.req)
    const { url = '' } = res.req
    const method = methodOf(res.req)
    hostResponses.record({ url, method, status: 503, ...requestInfo }, 'overloaded')
    writeOverloaded(res.req, res, hostResponses.headers, requestInfo.requestId)
  }

  /** Exempt requests in flight, and those with a response that were accepted in the current tick. */
  let exempt = 0

  /** Released in the next tick: thousands of responses in one tick would delay all other requests. */
  function serveExempt(res: ServerResponse, body: RequestBody | null): void {
    exempt += 1
    void respondWithBody(res, body).finally(() => setImmediate(releaseExempt))
  }

  function releaseExempt(): void {
    exempt -= 1
  }

  /** Connection errors are expected; without a listener they would end the process. */
  function logConnectionError(error: Error): void {
    log.debug({ err: error }, 'writing the response failed')
  }

  function send(res: ServerResponse, response: RawResponse, requestId: string): void {
    connections.end(res)
    unreadBytes.written(writeResponse(res, response, requestId))
  }

  const adapter = createServerAdapter<NodeContext>(async (request, { req, fastRequest }) => {
    const requestId = fastRequest?.requestId ?? requestIdOf(req)
    const response = await gateway.fetch(request, { address: addressOf(req), requestId })
    const mediaType = response.headers.get('content-type')
    if (fastRequest !== null && response.status === 200 && mediaType !== null) {
      fastPath.recordFallback(fastRequest, mediaType)
    }
    // Released here: the adapter keeps the context until the response ends, which may be an event stream.
    if (fastRequest !== null) fastRequest.body = ''
    return response
  })

  /** Responds through a web Request. @param fastRequest the request as the fast path has read it, if it has */
  async function respondByFetch(
    res: ServerResponse,
    fastRequest: FastRequest | null,
  ): Promise<void> {
    const { req } = res
    const requestInfo = fastRequest ?? requestOf(req)
    try {
      const response = await adapter.handleNodeRequestAndResponse(req, res, { req, fastRequest })
      connections.end(res)
      if (isEventStream(response.headers)) connections.markEventStream(res)
      await sendResponse(res, response, { onWritten: unreadBytes.written, nextTurn: turnsOf(req) })
    } catch (error) {
      respondWithError(res, requestInfo, error)
    }
  }

  function respondWithError(res: ServerResponse, requestInfo: RequestInfo, error: unknown): void {
    connections.end(res)
    writeUnexpectedError(res, { hostResponses, log }, requestInfo, error)
  }

  /** An error in a listener would end the process; here it ends this request only. */
  function guarded(res: ServerResponse, work: () => void): void {
    try {
      work()
    } catch (error) {
      respondWithError(res, requestOf(res.req), error)
    }
  }

  function handleGraphQL(res: ServerResponse, bytes: Buffer): void {
    const { authorization = null, accept = null, origin = null, host = '' } = res.req.headers
    const { requestId, startedAt, client } = requestOf(res.req)
    const from = { origin, host }
    // Fields are named one by one: V8 takes ten microseconds to spread an object with a fractional number.
    const fastRequest = {
      authorization,
      accept,
      from,
      body: bytes.toString(),
      requestId,
      startedAt,
      client,
    }
    const result = fastPath.handle(fastRequest)
    // A synchronous response is never in flight.
    if (result !== null && 'text' in result) return send(res, result, fastRequest.requestId)
    connections.begin(res)
    const useWebRequest = (): void => {
      Object.assign(res.req, { body: new WholeBody(async () => bytes) })
      void respondByFetch(res, fastRequest)
    }
    if (result === null) return useWebRequest()
    const done =
      result instanceof Promise
        ? result.then((response) =>
            response ? send(res, response, fastRequest.requestId) : useWebRequest(),
          )
        : stream(res, result, fastRequest, useWebRequest)
    done.catch((error: unknown) => respondWithError(res, fastRequest, error))
  }

  async function stream(
    res: ServerResponse,
    { headers, join }: EventStreamResponse,
    { requestId }: FastRequest,
    useWebRequest: () => void,
  ): Promise<void> {
    const sink = streams.sink(res, [...headers, 'x-request-id', requestId], turnsOf(res.req))
    const subscriber = createSubscriber(log, sink)
    const leave = await join(subscriber)
    if (leave === null) {
      useWebRequest()
      return
    }
    connections.end(res)
    connections.markEventStream(res)
    if (res.destroyed) {
      leave()
      return
    }
    sink.open()
    const guard = createGuard(log, () => void res.destroy())
    res.once('close', guard(leave))
  }

  function dispatch({ res, body, bytes }: AcceptedRequest): void {
    const { req } = res
    if (bytes !== null && isFastPathRequest(req, bytes)) {
      guarded(res, () => handleGraphQL(res, bytes))
    } else if (body === null) {
      connections.begin(res)
      if (bytes !== null) Object.assign(req, { body: new WholeBody(async () => bytes) })
      void respondByFetch(res, null)
    } else {
      onceEnded(req, () => connections.begin(res))
      void respondWithBody(res, body)
    }
  }

  function respondWithBody(res: ServerResponse, body: RequestBody | null): Promise<void> {
    if (body !== null) {
      body.allowEarlyResponse()
      Object.assign(res.req, { body: new WholeBody(() => readWhole(body, res)) })
    }
    return respondByFetch(res, null)
  }

  return {
    listener(req, res) {
      res.on('error', logConnectionError)
      if (!connections.accept(res)) {
        discardBody(req)
        return
      }
      const { url = '' } = req
      const body = requestBodies.receive(res, limitBytesOf(url))
      if (NEVER_SHED.has(endpointPath(url)) && exempt < MAX_EXEMPT) serveExempt(res, body)
      else if (body === null || !isOperation(req)) loadShedder.admit({ res, body, bytes: null })
      else body.read((bytes) => loadShedder.admit({ res, body: null, bytes }))
    },
    connections,
    load: () => loadShedder.load(),
  }
}

/** The handlers reject larger bodies. */
function limitBytesOf(url: string): number {
  return url.startsWith(GRAPHQL_PATH) ? MAX_REQUEST_BYTES : MAX_WEBHOOK_BYTES
}

/**
 * Whether the body is a GraphQL operation. It is admitted only when its body has arrived: until then it costs
 * nothing, and then all of its work. Bodies that are declared too long, or are not JSON, get an early response.
 */
function isOperation({ method, url = '', headers }: IncomingMessage): boolean {
  return (
    method === 'POST' &&
    endpointPath(url) === GRAPHQL_PATH &&
    isJSONType(headers['content-type'] ?? '') &&
    !(Number(headers['content-length']) > MAX_REQUEST_BYTES)
  )
}

/** @param bytes the body of an operation */
function isFastPathRequest({ headers }: IncomingMessage, bytes: Buffer): boolean {
  return bytes.length <= MAX_REQUEST_BYTES && headers['content-encoding'] === undefined
}
