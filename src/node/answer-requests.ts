/** Answers Node's requests: by the fast lane what it knows, through a web Request everything else. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServerAdapter } from '@whatwg-node/server'
import { type TrustedProxies, clientAddress, isFromTrusted } from './client-address.ts'
import type { Gateway } from '../gateway.ts'
import { createSubscriber } from '../http/lane/frame.ts'
import type { LaneAnswer, LaneStream, Post } from '../http/lane/lane.ts'
import { WholeBody, readWhole } from './read-whole.ts'
import { createEventStreams } from './send-events.ts'
import type { Log } from '../uploads/parts.ts'
import { refuseLoad } from './refuse-load.ts'
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
  readonly gateway: Pick<Gateway, 'fetch' | 'lane' | 'nextId' | 'allowedOrigins' | 'noteRefused'>
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
  const { lane, nextId } = gateway
  const streams = createEventStreams()
  const shedding = createShedding<ServerResponse>({
    now: () => performance.now(),
    later: setImmediate,
    mostInFlight: MOST_IN_FLIGHT,
    serve(res) {
      // Gone while it waited for its turn.
      if (res.destroyed) return
      const answered = shedding.begin()
      unanswered.set(res, answered)
      res.once('close', () => {
        unanswered.delete(res)
        answered()
      })
      take(res.req, res)
    },
    refuse(res) {
      if (res.destroyed) return
      gateway.noteRefused(res.req.url ?? '')
      refuseLoad(res.req, res, gateway.allowedOrigins)
    },
  })
  /** With what says that it waits no longer: a stream that stands open is not one that waits. */
  const unanswered = new Map<ServerResponse, () => void>()

  const adapter = createServerAdapter<NodeContext>(async (request, { req, res, post }) => {
    const forwardedFor = req.headersDistinct['x-forwarded-for']?.join()
    const address = clientAddress(req.socket.remoteAddress, forwardedFor, trustedProxies)
    const requestId = post?.requestId ?? nameOf(req)
    const response = await gateway.fetch(request, { address, requestId })
    const mediaType = response.headers.get('content-type')
    if (mediaType?.startsWith('text/event-stream') === true) unanswered.get(res)?.()
    if (post !== undefined && response.status === 200 && mediaType !== null) {
      lane.learn(post, mediaType)
    }
    return response
  })

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
        .then((later) => (later === null ? goLongWay() : send(res, later, post)))
        .catch((error: unknown) => apologise(res, log, error, post))
    } else if ('join' in answer) {
      stream(res, answer, post, goLongWay).catch((error: unknown) =>
        apologise(res, log, error, post),
      )
    } else send(res, answer, post)
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
    unanswered.get(res)?.()
    res.on('drain', () => subscriber.goOn())
    res.once('close', leave)
  }

  function take(req: IncomingMessage, res: ServerResponse): void {
    const length = Number(req.headers['content-length'])
    if (!isForLane(req) || !(length > 0 && length <= MOST_BYTES)) void adapter(req, res)
    else readWhole(req, length, (bytes) => answerPost(req, res, bytes))
  }

  return {
    listener(req, res) {
      if (NEVER_REFUSED.has(req.url ?? '')) take(req, res)
      else shedding.admit(res)
    },
    unanswered: () => unanswered.keys(),
  }
}

function isForLane({ method, url, headers }: IncomingMessage): boolean {
  return (
    method === 'POST' &&
    url === LANE_PATH &&
    JSON_TYPE.test(headers['content-type'] ?? '') &&
    headers['content-encoding'] === undefined
  )
}

/** Header lists with room at their end for what each answer has of its own, by those they were made of. */
const withOwn = new WeakMap<readonly string[], string[]>()

function send(
  res: ServerResponse,
  { status, headers, text }: LaneAnswer,
  { requestId }: Post,
): void {
  const list = withOwn.get(headers) ?? [...headers, 'x-request-id', '', 'content-length', '']
  withOwn.set(headers, list)
  list[list.length - 3] = requestId
  list[list.length - 1] = String(Buffer.byteLength(text))
  // Node reads the list at once.
  res.writeHead(status, list).end(text)
}

function apologise(
  res: ServerResponse,
  log: Log,
  error: unknown,
  { requestId }: Pick<Post, 'requestId'>,
): void {
  log.error({ requestId, err: error }, 'unexpected error')
  if (res.headersSent) res.destroy()
  else {
    res.writeHead(500, {
      'content-type': 'text/plain; charset=utf-8',
      'x-request-id': requestId,
    })
    res.end(`Unexpected error. Ask for it by this id: ${requestId}\n`)
  }
}
