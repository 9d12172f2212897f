/** Answers Node's requests: by the fast lane what it knows, through a web Request everything else. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { createServerAdapter } from '@whatwg-node/server'
import { apologise } from '../apologise.ts'
import type { TrustedProxies } from './client-address.ts'
import type { Gateway } from '../../http/gateway.ts'
import { createConnections } from './connections.ts'
import { type Incoming, createIncomingReader } from './request-info.ts'
import { createGuard } from '../../shared/guard-listener.ts'
import { GRAPHQL_PATH, MAX_REQUEST_BYTES } from '../../http/graphql/endpoint.ts'
import { createSubscriber } from '../../http/graphql/fast-path/subscriptions/subscriber.ts'
import type { LaneStream } from '../../http/graphql/fast-path/fast-path.ts'
import type { Post } from '../../http/graphql/fast-path/fast-request.ts'
import type { PreparedAnswer } from '../../http/raw-response.ts'
import { WholeBody, readWhole } from './read-body.ts'
import { createEventStreams } from './sse-writer.ts'
import type { Log } from '../../uploads/dependencies.ts'
import { refuseLoad } from '../refuse-load.ts'
import { sendAnswer } from './responses.ts'
import { sendResponse } from './send-response.ts'
import { type Load, createShedding } from './load-shedder.ts'

/** What the adapter hands on besides the web Request. */
interface NodeContext {
  readonly req: IncomingMessage
  /** What the fast path could not answer: it learns of what came of it. Null where it has read nothing. */
  readonly post: Post | null
}

/** Whoever watches over the gateway must be answered while it is busy most of all. */
const NEVER_REFUSED: ReadonlySet<string> = new Set(['/healthz', '/readyz', '/metrics'])
/** Many times what one machine answers in the time of one request. */
const MAX_IN_FLIGHT = 1000
/** A type that needs no look at its parameters. */
const JSON_TYPE = /^application\/json(?:; ?charset=utf-8)?$/i

export interface Answering {
  readonly gateway: Pick<Gateway, 'fetch' | 'lane' | 'noticeLane' | 'nextId' | 'besideDoors'>
  readonly log: Log
  readonly trustedProxies: TrustedProxies
}

/** Whoever answers the requests of Node's server. */
export interface RequestAnswerer {
  /** Never throws. */
  readonly listener: (req: IncomingMessage, res: ServerResponse) => void
  /** Responses that have not been sent completely, streams included. */
  readonly unanswered: () => readonly ServerResponse[]
  /** Whether a response has not been sent completely on this connection. */
  readonly isBusy: (socket: Socket) => boolean
  readonly load: () => Load
}

export function createRequestAnswerer({
  gateway,
  log,
  trustedProxies,
}: Answering): RequestAnswerer {
  const { lane, noticeLane, nextId, besideDoors } = gateway
  const { addressOf, nameOf, requestOf } = createIncomingReader(nextId, trustedProxies)
  const streams = createEventStreams()
  const connections = createConnections()
  const shedding = createShedding<ServerResponse>({
    now: () => performance.now(),
    later: setImmediate,
    maxInFlight: MAX_IN_FLIGHT,
    inFlight: () => connections.inFlight(),
    serve(res) {
      // The connection may have closed while the request waited in the queue.
      if (!res.destroyed) take(res)
    },
    reject(res) {
      if (res.destroyed) return
      const incoming = requestOf(res.req)
      const { url = '', method = '' } = res.req
      besideDoors.note({ url, method, status: 503, ...incoming }, 'overloaded')
      refuseLoad(res.req, res, besideDoors.headers, incoming.requestId)
    },
  })

  /** A connection that breaks is the client's affair; without a listener it would end the process. */
  function broken(error: Error): void {
    log.debug({ err: error }, 'an answer could not be written')
  }

  function send(res: ServerResponse, answer: PreparedAnswer, requestId: string): void {
    connections.end(res)
    sendAnswer(res, answer, requestId)
  }

  const adapter = createServerAdapter<NodeContext>(async (request, { req, post }) => {
    const requestId = post?.requestId ?? nameOf(req)
    const response = await gateway.fetch(request, { address: addressOf(req), requestId })
    const mediaType = response.headers.get('content-type')
    if (post !== null && response.status === 200 && mediaType !== null) {
      lane.learn(post, mediaType)
    }
    // The adapter keeps it until the response ends, which may be a stream of events.
    if (post !== null) post.body = ''
    return response
  })

  /** By the fallback. @param post what the fast path has read of it */
  async function answerByFetch(res: ServerResponse, post: Post | null): Promise<void> {
    const { req } = res
    const incoming = post ?? requestOf(req)
    try {
      const response = await adapter.handleNodeRequestAndResponse(req, res, { req, post })
      connections.end(res)
      await sendResponse(res, response)
    } catch (error) {
      sorry(res, incoming, error)
    }
  }

  function sorry(res: ServerResponse, incoming: Incoming, error: unknown): void {
    connections.end(res)
    apologise(res, { besideDoors, log }, incoming, error)
  }

  /** A throw in a listener of Node's would end the process: it ends this one request. */
  function attempt(res: ServerResponse, work: () => void): void {
    try {
      work()
    } catch (error) {
      sorry(res, requestOf(res.req), error)
    }
  }

  function answerPost(res: ServerResponse, bytes: Buffer): void {
    const { authorization = null, accept = null, origin = null, host = '' } = res.req.headers
    const { requestId, startedAt, client } = requestOf(res.req)
    const from = { origin, host }
    // Named one by one: V8 takes ten microseconds to spread an object that has a fraction in it.
    const post = {
      authorization,
      accept,
      from,
      body: bytes.toString(),
      requestId,
      startedAt,
      client,
    }
    const answer = lane.answer(post)
    // What is answered at once never waited.
    if (answer !== null && 'text' in answer) return sendAnswer(res, answer, post.requestId)
    connections.begin(res)
    const goLongWay = (): void => {
      Object.assign(res.req, { body: new WholeBody(bytes) })
      void answerByFetch(res, post)
    }
    if (answer === null) return goLongWay()
    const done =
      answer instanceof Promise
        ? answer.then((text) => (text ? send(res, text, post.requestId) : goLongWay()))
        : stream(res, answer, post, goLongWay)
    done.catch((error: unknown) => sorry(res, post, error))
  }

  async function stream(
    res: ServerResponse,
    { headers, join }: LaneStream,
    { requestId }: Post,
    goLongWay: () => void,
  ): Promise<void> {
    const outlet = streams.outlet(res, [...headers, 'x-request-id', requestId])
    const subscriber = createSubscriber(outlet)
    const leave = await join(subscriber)
    if (leave === null) {
      goLongWay()
      return
    }
    connections.end(res)
    if (res.destroyed) {
      leave()
      return
    }
    outlet.open()
    const guard = createGuard(log, () => void res.destroy())
    res.on(
      'drain',
      guard(() => subscriber.goOn()),
    )
    res.once('close', guard(leave))
  }

  function answerNotice(res: ServerResponse, rawBody: Buffer): void {
    const incoming = requestOf(res.req)
    const { requestId, startedAt, client } = incoming
    const given = res.req.headers['webhook-signature']
    const signature = typeof given === 'string' ? given : null
    connections.begin(res)
    noticeLane
      .answer({ rawBody, signature, requestId, startedAt, client })
      .then((answer) => send(res, answer, requestId))
      .catch((error: unknown) => sorry(res, incoming, error))
  }

  function take(res: ServerResponse): void {
    const { req } = res
    const length = Number(req.headers['content-length'])
    if (isForLane(req) && length > 0 && length <= MAX_REQUEST_BYTES) {
      readWhole(req, length, (bytes) => attempt(res, () => answerPost(res, bytes)))
    } else if (isNotice(req) && length > 0 && length <= noticeLane.mostBytes) {
      readWhole(req, length, (bytes) => attempt(res, () => answerNotice(res, bytes)))
    } else {
      if (hasBody(req)) req.once('end', () => connections.begin(res))
      else connections.begin(res)
      void answerByFetch(res, null)
    }
  }

  function isNotice({ method, url, headers: { host } }: IncomingMessage): boolean {
    return (
      method === 'POST' &&
      url === noticeLane.path &&
      host !== undefined &&
      noticeLane.isOpenFor(host)
    )
  }

  return {
    listener({ url = '' }, res) {
      res.on('error', broken)
      if (!connections.accept(res)) return
      if (NEVER_REFUSED.has(url)) void answerByFetch(res, null)
      else shedding.admit(res)
    },
    unanswered: () => connections.unfinished(),
    isBusy: (socket) => connections.isBusy(socket),
    load: () => shedding.load(),
  }
}

function hasBody({ headers }: IncomingMessage): boolean {
  const { 'content-length': length = '0', 'transfer-encoding': coding } = headers
  return length !== '0' || coding !== undefined
}

function isForLane({ method, url, headers }: IncomingMessage): boolean {
  return (
    method === 'POST' &&
    url === GRAPHQL_PATH &&
    JSON_TYPE.test(headers['content-type'] ?? '') &&
    headers['content-encoding'] === undefined
  )
}
