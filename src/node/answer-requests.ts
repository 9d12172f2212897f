/** Answers Node's requests: by the fast lane what it knows, through a web Request everything else. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServerAdapter } from '@whatwg-node/server'
import { type TrustedProxies, clientAddress, isFromTrusted } from './client-address.ts'
import type { Gateway } from '../gateway.ts'
import { createSubscriber } from '../http/lane/frame.ts'
import type { LaneStream, Post } from '../http/lane/lane.ts'
import { WholeBody, readWhole } from './read-whole.ts'
import { createEventStreams } from './send-events.ts'
import type { Log } from '../uploads/parts.ts'
import { refuseLoad } from './refuse-load.ts'
import { apologise, sendAnswer } from './send-answer.ts'
import { createShedding } from './shed-load.ts'

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
const LANE_PATH = '/graphql'
/** A type that needs no look at its parameters. */
const JSON_TYPE = /^application\/json(?:; ?charset=utf-8)?$/i
/** Bytes of a body that the lane reads; the door behind it says what is wrong with a longer one. */
const MOST_BYTES = 64 * 1024

export interface Answering {
  readonly gateway: Pick<
    Gateway,
    'fetch' | 'lane' | 'noticeLane' | 'nextId' | 'allowedOrigins' | 'noteRefused'
  >
  readonly log: Log
  readonly trustedProxies: TrustedProxies
}

/** Whoever answers the requests of Node's server. */
export interface RequestAnswerer {
  /** Never throws. */
  readonly listener: (req: IncomingMessage, res: ServerResponse) => void
  /** Responses that are not complete, streams among them. */
  readonly unanswered: () => Iterable<ServerResponse>
}

export function createRequestAnswerer({
  gateway,
  log,
  trustedProxies,
}: Answering): RequestAnswerer {
  const { lane, noticeLane, nextId } = gateway
  const streams = createEventStreams()
  const shedding = createShedding<ServerResponse>({
    now: () => performance.now(),
    later: setImmediate,
    mostInFlight: MOST_IN_FLIGHT,
    serve(res) {
      // Gone while it waited for its turn.
      if (res.destroyed) return
      unanswered.set(res, () => undefined)
      const over = (): void => {
        unanswered.get(res)?.()
        unanswered.delete(res)
      }
      res.once('close', over)
      // A body that is too long is not read to its end: its answer is the last thing on its connection,
      // and Node does not tell when it is complete.
      res.req.once('close', () => {
        if (!res.req.complete) over()
      })
      // A connection that breaks is the client's affair; without a listener it would end the process.
      res.on('error', (error) => log.debug({ err: error }, 'an answer could not be written'))
      // Whoever is slow to send is not waited for by us.
      if (hasBody(res.req)) res.req.once('end', () => beginWaiting(res))
      else beginWaiting(res)
      take(res.req, res)
    },
    refuse(res) {
      if (res.destroyed) return
      gateway.noteRefused(res.req.url ?? '')
      refuseLoad(res.req, res, gateway.allowedOrigins)
    },
  })
  /** With what says that it waits no longer. */
  const unanswered = new Map<ServerResponse, () => void>()
  /** Streams that stand open: they wait for nothing of ours. */
  const standing = new WeakSet<ServerResponse>()

  /** A body may be told complete a moment after it was read, and answered. */
  function beginWaiting(res: ServerResponse): void {
    if (!res.writableEnded && !standing.has(res)) unanswered.set(res, shedding.begin())
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

  function answerPost(req: IncomingMessage, res: ServerResponse, bytes: Buffer): void {
    const { authorization = null, accept = null, origin = null, host = '' } = req.headers
    const post: Post = {
      authorization,
      accept,
      from: { origin, host },
      body: bytes.toString(),
      requestId: nameOf(req),
    }
    const goLongWay = (): void => {
      Object.assign(req, { body: new WholeBody(bytes) })
      void adapter(req, res, { post })
    }
    const answer = lane.answer(post)
    if (answer === null) goLongWay()
    else if (answer instanceof Promise) {
      answer
        .then((later) => (later === null ? goLongWay() : sendAnswer(res, later, post.requestId)))
        .catch((error: unknown) => apologise(res, log, error, post.requestId))
    } else if ('join' in answer) {
      stream(res, answer, post, goLongWay).catch((error: unknown) =>
        apologise(res, log, error, post.requestId),
      )
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
    const requestId = nameOf(req)
    const given = req.headers['webhook-signature']
    const signature = typeof given === 'string' ? given : null
    noticeLane
      .answer({ rawBody, signature, requestId, client: addressOf(req) })
      .then((answer) => sendAnswer(res, answer, requestId))
      .catch((error: unknown) => apologise(res, log, error, requestId))
  }

  function take(req: IncomingMessage, res: ServerResponse): void {
    const length = Number(req.headers['content-length'])
    if (isForLane(req) && length > 0 && length <= MOST_BYTES) {
      readWhole(req, length, (bytes) => answerPost(req, res, bytes))
    } else if (isNotice(req) && length > 0 && length <= noticeLane.mostBytes) {
      readWhole(req, length, (bytes) => answerNotice(req, res, bytes))
    } else void adapter(req, res)
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
  }
}

function hasBody({ headers }: IncomingMessage): boolean {
  const { 'content-length': length = '0', 'transfer-encoding': coding } = headers
  return length !== '0' || coding !== undefined
}

function isForLane({ method, url, headers }: IncomingMessage): boolean {
  return (
    method === 'POST' &&
    url === LANE_PATH &&
    JSON_TYPE.test(headers['content-type'] ?? '') &&
    headers['content-encoding'] === undefined
  )
}
