/** Answers Node's requests: by the fast lane what it knows, through a web Request everything else. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServerAdapter } from '@whatwg-node/server'
import { type Incoming, apologise } from './apologise.ts'
import { type TrustedProxies, clientAddress, isFromTrusted } from './client-address.ts'
import type { Gateway } from '../gateway.ts'
import { GRAPHQL_PATH, MAX_REQUEST_BYTES } from '../http/graphql-address.ts'
import { createSubscriber } from '../http/lane/frame.ts'
import type { LaneStream, Post } from '../http/lane/lane.ts'
import { WholeBody, readWhole } from './read-whole.ts'
import { createEventStreams } from './send-events.ts'
import type { Log } from '../uploads/parts.ts'
import { refuseLoad } from './refuse-load.ts'
import { sendAnswer } from './send-answer.ts'
import { type Load, createShedding } from './shed-load.ts'

/** What the adapter hands on of Node's own. */
interface NodeContext {
  readonly req: IncomingMessage
  readonly res: ServerResponse
  /** What the lane could not answer: it is told what the long way came to. */
  readonly post?: Post
}

/** Whoever watches over the gateway must be answered while it is busy most of all. */
const NEVER_REFUSED: ReadonlySet<string> = new Set(['/healthz', '/readyz', '/metrics'])
/** Requests that wait for their answers: many times what one machine answers in the time of one. */
const MOST_IN_FLIGHT = 1000
/** A type that needs no look at its parameters. */
const JSON_TYPE = /^application\/json(?:; ?charset=utf-8)?$/i

/** Of a request that is not waiting for us, or not yet. */
const NOTHING_WAITS = (): void => undefined

export interface Answering {
  readonly gateway: Pick<Gateway, 'fetch' | 'lane' | 'noticeLane' | 'nextId' | 'besideDoors'>
  readonly log: Log
  readonly trustedProxies: TrustedProxies
}

/** Whoever answers the requests of Node's server. */
export interface RequestAnswerer {
  /** Never throws. */
  readonly listener: (req: IncomingMessage, res: ServerResponse) => void
  /** Responses that are not complete, streams among them. */
  readonly unanswered: () => Iterable<ServerResponse>
  readonly load: () => Pick<Load, 'inFlight' | 'queued'>
}

export function createRequestAnswerer({
  gateway,
  log,
  trustedProxies,
}: Answering): RequestAnswerer {
  const { lane, noticeLane, nextId, besideDoors } = gateway
  const streams = createEventStreams()
  const shedding = createShedding<ServerResponse>({
    now: () => performance.now(),
    later: setImmediate,
    mostInFlight: MOST_IN_FLIGHT,
    serve(res) {
      // Gone while it waited for its turn.
      if (res.destroyed) return
      unanswered.set(res, NOTHING_WAITS)
      res.once('close', () => over(res))
      res.on('error', broken)
      take(res.req, res)
    },
    refuse(res) {
      if (res.destroyed) return
      const incoming = requestOf(res.req)
      const { url = '', method = '' } = res.req
      besideDoors.note({ url, method, status: 503, ...incoming }, 'overloaded')
      refuseLoad(res.req, res, besideDoors.headers, incoming.requestId)
    },
  })
  /** With what says that it waits no longer. */
  const unanswered = new Map<ServerResponse, () => void>()
  /** Streams that stand open: they wait for nothing of ours. */
  const standing = new WeakSet<ServerResponse>()

  /** A connection that breaks is the client's affair; without a listener it would end the process. */
  function broken(error: Error): void {
    log.debug({ err: error }, 'an answer could not be written')
  }

  function over(res: ServerResponse): void {
    unanswered.get(res)?.()
    unanswered.delete(res)
  }

  /**
   * From now on it waits for us: whoever is slow to send is not waited for. A body may be told complete a
   * moment after it was read, and answered. What is never refused is not counted.
   */
  function beginWaiting(res: ServerResponse): void {
    if (unanswered.get(res) !== NOTHING_WAITS || res.writableEnded || standing.has(res)) return
    unanswered.set(res, shedding.begin())
  }

  function beginOnceWhole(req: IncomingMessage, res: ServerResponse): void {
    if (!hasBody(req)) {
      beginWaiting(res)
      return
    }
    req.once('end', () => beginWaiting(res))
    // A body that is too long is not read to its end: its answer is the last thing on its connection, and
    // Node does not tell when it is complete.
    req.once('close', () => {
      if (!req.complete) over(res)
    })
  }

  function standOpen(res: ServerResponse): void {
    standing.add(res)
    unanswered.get(res)?.()
  }

  const adapter = createServerAdapter<NodeContext>(async (request, { req, res, post }) => {
    const address = addressOf(req)
    const requestId = post?.requestId ?? nameOf(req)
    const response = await gateway.fetch(request, { address, requestId })
    const mediaType = response.headers.get('content-type')
    if (mediaType?.startsWith('text/event-stream') === true) standOpen(res)
    if (post !== undefined && response.status === 200 && mediaType !== null) {
      lane.learn(post, mediaType)
    }
    return response
  })

  function addressOf(req: IncomingMessage): string | null {
    // Node sets all headers out anew for the distinct ones: only where there is something to read.
    const isForwarded = req.headers['x-forwarded-for'] !== undefined
    const forwardedFor = isForwarded ? req.headersDistinct['x-forwarded-for']?.join() : undefined
    return clientAddress(req.socket.remoteAddress, forwardedFor, trustedProxies)
  }

  /** Only a proxy that is believed may name a request. */
  function nameOf(req: IncomingMessage): string {
    const given = req.headers['x-request-id']
    const isGiven =
      typeof given === 'string' && isFromTrusted(req.socket.remoteAddress, trustedProxies)
    return nextId(isGiven ? given : null)
  }

  /** What is said of a request where it is noted. */
  function requestOf(req: IncomingMessage): Incoming {
    return { requestId: nameOf(req), startedAt: performance.now(), client: () => addressOf(req) }
  }

  function sorry(res: ServerResponse, incoming: Incoming, error: unknown): void {
    apologise(res, { besideDoors, log }, incoming, error)
  }

  function answerPost(req: IncomingMessage, res: ServerResponse, bytes: Buffer): void {
    const { authorization = null, accept = null, origin = null, host = '' } = req.headers
    const post: Post = {
      authorization,
      accept,
      from: { origin, host },
      body: bytes.toString(),
      ...requestOf(req),
    }
    const goLongWay = (): void => {
      Object.assign(req, { body: new WholeBody(bytes) })
      void adapter(req, res, { post })
    }
    const answer = lane.answer(post)
    // What is answered at once never waited.
    if (answer === null || answer instanceof Promise || 'join' in answer) beginWaiting(res)
    if (answer === null) goLongWay()
    else if (answer instanceof Promise) {
      answer
        .then((later) => (later === null ? goLongWay() : sendAnswer(res, later, post.requestId)))
        .catch((error: unknown) => sorry(res, post, error))
    } else if ('join' in answer) {
      stream(res, answer, post, goLongWay).catch((error: unknown) => sorry(res, post, error))
    } else sendAnswer(res, answer, post.requestId)
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
    if (res.destroyed) {
      leave()
      return
    }
    outlet.open()
    standOpen(res)
    res.on('drain', () => subscriber.goOn())
    res.once('close', leave)
  }

  function answerNotice(req: IncomingMessage, res: ServerResponse, rawBody: Buffer): void {
    const incoming = requestOf(req)
    const given = req.headers['webhook-signature']
    const signature = typeof given === 'string' ? given : null
    beginWaiting(res)
    noticeLane
      .answer({ rawBody, signature, ...incoming })
      .then((answer) => sendAnswer(res, answer, incoming.requestId))
      .catch((error: unknown) => sorry(res, incoming, error))
  }

  function take(req: IncomingMessage, res: ServerResponse): void {
    const length = Number(req.headers['content-length'])
    if (isForLane(req) && length > 0 && length <= MAX_REQUEST_BYTES) {
      readWhole(req, length, (bytes) => answerPost(req, res, bytes))
    } else if (isNotice(req) && length > 0 && length <= noticeLane.mostBytes) {
      readWhole(req, length, (bytes) => answerNotice(req, res, bytes))
    } else {
      beginOnceWhole(req, res)
      void adapter(req, res)
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
    listener(req, res) {
      if (NEVER_REFUSED.has(req.url ?? '')) take(req, res)
      else shedding.admit(res)
    },
    unanswered: () => unanswered.keys(),
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
