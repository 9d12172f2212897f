/** Answers Node's requests: by the fast lane what it knows, through a web Request everything else. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServerAdapter } from '@whatwg-node/server'
import { apologise } from './apologise.ts'
import type { TrustedProxies } from './client-address.ts'
import type { Gateway } from '../gateway.ts'
import { type Incoming, createIncomingReader } from './incoming.ts'
import { GRAPHQL_PATH, MAX_REQUEST_BYTES } from '../http/graphql-address.ts'
import { createSubscriber } from '../http/lane/frame.ts'
import { createRoll } from '../http/roll.ts'
import type { LaneStream } from '../http/lane/lane.ts'
import type { Post } from '../http/lane/post.ts'
import { WholeBody, readWhole } from './read-whole.ts'
import { createEventStreams } from './send-events.ts'
import type { Log } from '../uploads/parts.ts'
import { refuseLoad } from './refuse-load.ts'
import { sendAnswer } from './send-answer.ts'
import { type Load, createShedding } from './shed-load.ts'
import { type UnderWay, notCounted, underWay, waitNoMore } from './under-way.ts'

/** What the adapter hands on of Node's own. */
interface NodeContext {
  readonly req: IncomingMessage
  readonly res: ServerResponse
  readonly one: UnderWay
  /** What the lane could not answer: it is told what the long way came to. */
  readonly post?: Post
}

/** Whoever watches over the gateway must be answered while it is busy most of all. */
const NEVER_REFUSED: ReadonlySet<string> = new Set(['/healthz', '/readyz', '/metrics'])
/** Requests that wait for their answers: many times what one machine answers in the time of one. */
const MOST_IN_FLIGHT = 1000
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
  /** Responses that are not complete, streams among them. */
  readonly unanswered: () => readonly ServerResponse[]
  readonly load: () => Pick<Load, 'inFlight' | 'queued'>
}

export function createRequestAnswerer({
  gateway,
  log,
  trustedProxies,
}: Answering): RequestAnswerer {
  const { lane, noticeLane, nextId, besideDoors } = gateway
  const { addressOf, nameOf, requestOf } = createIncomingReader(nextId, trustedProxies)
  const streams = createEventStreams()
  const shedding = createShedding<ServerResponse>({
    now: () => performance.now(),
    later: setImmediate,
    mostInFlight: MOST_IN_FLIGHT,
    serve(res) {
      // Gone while it waited for its turn.
      if (res.destroyed) return
      const one = underWay(res)
      roll.enter(one)
      res.on('close', () => over(one))
      res.on('error', broken)
      take(one)
    },
    refuse(res) {
      if (res.destroyed) return
      const incoming = requestOf(res.req)
      const { url = '', method = '' } = res.req
      besideDoors.note({ url, method, status: 503, ...incoming }, 'overloaded')
      refuseLoad(res.req, res, besideDoors.headers, incoming.requestId)
    },
  })
  const roll = createRoll<UnderWay>()

  /** A connection that breaks is the client's affair; without a listener it would end the process. */
  function broken(error: Error): void {
    log.debug({ err: error }, 'an answer could not be written')
  }

  function over(one: UnderWay): void {
    waitNoMore(one)
    roll.leave(one)
  }

  /**
   * From now on it waits for us: whoever is slow to send is not waited for. A body may be told complete a
   * moment after it was read, and answered.
   */
  function beginWaiting(one: UnderWay): void {
    if (!one.mayWait || one.res.writableEnded) return
    one.mayWait = false
    one.endWaiting = shedding.begin()
  }

  function beginOnceWhole(one: UnderWay): void {
    const { req } = one.res
    if (!hasBody(req)) {
      beginWaiting(one)
      return
    }
    req.once('end', () => beginWaiting(one))
    // A body that is too long is not read to its end: its answer is the last thing on its connection, and
    // Node does not tell when it is complete.
    req.once('close', () => {
      if (!req.complete) over(one)
    })
  }

  const adapter = createServerAdapter<NodeContext>(async (request, { req, one, post }) => {
    const address = addressOf(req)
    const requestId = post?.requestId ?? nameOf(req)
    const response = await gateway.fetch(request, { address, requestId })
    const mediaType = response.headers.get('content-type')
    if (mediaType?.startsWith('text/event-stream') === true) waitNoMore(one)
    if (post !== undefined && response.status === 200 && mediaType !== null) {
      lane.learn(post, mediaType)
    }
    // The adapter keeps it until the response ends, which may be a stream of events.
    if (post !== undefined) post.body = ''
    return response
  })

  function sorry(res: ServerResponse, incoming: Incoming, error: unknown): void {
    apologise(res, { besideDoors, log }, incoming, error)
  }

  function answerPost(one: UnderWay, bytes: Buffer): void {
    const { res } = one
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
    beginWaiting(one)
    const goLongWay = (): void => {
      Object.assign(res.req, { body: new WholeBody(bytes) })
      void adapter(res.req, res, { one, post })
    }
    if (answer === null) return goLongWay()
    const done =
      answer instanceof Promise
        ? answer.then((text) => (text ? sendAnswer(res, text, post.requestId) : goLongWay()))
        : stream(one, answer, post, goLongWay)
    done.catch((error: unknown) => sorry(res, post, error))
  }

  async function stream(
    one: UnderWay,
    { headers, join }: LaneStream,
    { requestId }: Post,
    goLongWay: () => void,
  ): Promise<void> {
    const { res } = one
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
    waitNoMore(one)
    res.on('drain', () => subscriber.goOn())
    res.once('close', leave)
  }

  function answerNotice(one: UnderWay, rawBody: Buffer): void {
    const { res } = one
    const incoming = requestOf(res.req)
    const { requestId, startedAt, client } = incoming
    const given = res.req.headers['webhook-signature']
    const signature = typeof given === 'string' ? given : null
    beginWaiting(one)
    noticeLane
      .answer({ rawBody, signature, requestId, startedAt, client })
      .then((answer) => sendAnswer(res, answer, requestId))
      .catch((error: unknown) => sorry(res, incoming, error))
  }

  function take(one: UnderWay): void {
    const { res } = one
    const { req } = res
    const length = Number(req.headers['content-length'])
    if (isForLane(req) && length > 0 && length <= MAX_REQUEST_BYTES) {
      readWhole(req, length, (bytes) => answerPost(one, bytes))
    } else if (isNotice(req) && length > 0 && length <= noticeLane.mostBytes) {
      readWhole(req, length, (bytes) => answerNotice(one, bytes))
    } else {
      beginOnceWhole(one)
      void adapter(req, res, { one })
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
      if (NEVER_REFUSED.has(url)) take(notCounted(res))
      else shedding.admit(res)
    },
    unanswered: () => roll.all().map(({ res }) => res),
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
