/**
 * The fast lane in front of the GraphQL door. What a client sends again and again is answered here as
 * Yoga answered it before, compiled; everything else, and whatever is not the regular case, goes the
 * long way. Both ways keep the same bounds.
 */
import { OperationTypeNode } from 'graphql'
import { createContext } from '../../graphql/context.ts'
import type { SubscriptionTransport } from '../../telemetry/telemetry.ts'
import type { Parts } from '../../uploads/parts.ts'
import type { Viewer } from '../../uploads/viewer.ts'
import type { CrowdLimit } from '../crowd-limit.ts'
import type { Deadlines } from '../deadlines.ts'
import { GRAPHQL_PATH } from '../graphql-address.ts'
import type { NoteAnswer } from '../note-answer.ts'
import { spanOf } from '../operation-telemetry.ts'
import type { PreparedAnswer } from '../prepared-answer.ts'
import type { Callers } from '../remember-callers.ts'
import { partsFor } from '../request-id.ts'
import { tooSlow } from '../time-limit.ts'
import { type Asked, readAsked } from './asked.ts'
import type { Audiences } from './audiences.ts'
import type { Subscriber } from './frame.ts'
import type { LaneHeaders, Origin } from './headers.ts'
import type { LongWay } from './long-way.ts'
import type { Outcomes } from './outcomes.ts'
import type { Plan, Plans } from './plans.ts'
import type { Text } from './text.ts'

/** A POST of JSON to the GraphQL door, whole. */
export interface Post {
  readonly authorization: string | null
  /** The header; null where there is none. */
  readonly accept: string | null
  readonly from: Origin
  readonly body: string
  /** By which its answer and its lines in the log find each other. */
  readonly requestId: string
  /** By `performance.now()`. */
  readonly startedAt: number
  /** The client's address; null where it is not known. */
  readonly client: () => string | null
}

/** A stream of events is to be answered: `join` seats whoever reads it. */
export interface LaneStream {
  readonly headers: readonly string[]
  /** Null where the long way has something to say about it. */
  readonly join: (subscriber: Subscriber) => Promise<(() => void) | null>
}

export interface Lane {
  /** Null where the long way is to be gone; nothing was done then. */
  answer(post: Post): PreparedAnswer | LaneStream | Promise<PreparedAnswer | null> | null
  /**
   * The same for a subscription that comes by other ways than HTTP; its `learn` is `learnWatched`.
   * Null where there is no plan for it.
   */
  watch(viewer: Viewer, asked: Asked): LaneStream['join'] | null
  learnWatched(asked: Asked): void
  /** Says that the long way answered this with 200 and this media type. */
  learn(post: Post, mediaType: string): void
}

/** What the lane is made with; both ways share the limits. */
export interface LaneParts {
  readonly parts: Parts
  readonly noteAnswer: NoteAnswer
  readonly callers: Callers
  readonly plans: Plans
  readonly audiences: Audiences
  readonly longWay: LongWay
  readonly crowd: CrowdLimit
  readonly deadlines: Deadlines
  readonly headers: LaneHeaders
}

const NO_OUTCOMES: Outcomes = new Map()
const TOO_SLOW = JSON.stringify({ data: null, errors: [tooSlow()] })

export function createLane(lane: LaneParts): Lane {
  const { callers, plans, audiences, longWay } = lane
  const { telemetry } = lane.parts

  function watch(
    plan: Plan | null,
    viewer: Viewer,
    { variables }: Asked,
    transport: SubscriptionTransport,
  ): LaneStream['join'] | null {
    if (plan?.kind !== OperationTypeNode.SUBSCRIPTION) return null
    return (subscriber) => audiences.join(plan, viewer, variables, subscriber, transport)
  }

  return {
    answer(post) {
      const { authorization, accept, from, body } = post
      const viewer = callers.recall(authorization)
      if (viewer === null) return null
      const asked = readAsked(body)
      const plan = asked === null ? null : plans.find(asked)
      const mediaType = plan?.types.get(accept ?? '')
      if (asked === null || plan === null || mediaType === undefined) return null
      const headers = lane.headers(from, mediaType)
      if (headers === null) return null
      const { variables } = asked
      const join = watch(plan, viewer, asked, 'sse')
      if (join !== null) return { headers, join: noted(join, () => note(lane, post, 200)) }
      const errand = { plan, viewer, variables, mediaType, headers, post }
      return telemetry.tracing ? inSpan(lane, errand) : carryOut(lane, errand)
    },

    watch: (viewer, asked) => watch(plans.find(asked), viewer, asked, 'websocket'),

    learnWatched: (asked) => plans.learn(asked, longWay.documentOf(asked.query)),

    learn({ accept, body }, mediaType) {
      const asked = readAsked(body)
      if (asked === null) return
      plans.learn(asked, longWay.documentOf(asked.query))
      plans.learnType(asked, accept ?? '', mediaType)
    },
  }
}

/** Noted as the router notes what goes the long way. */
function note({ noteAnswer }: LaneParts, { requestId, startedAt, client }: Post, status: number) {
  noteAnswer({ path: GRAPHQL_PATH, method: 'POST', status, requestId, startedAt, client })
}

/** Whoever is seated has been answered; anybody else goes the long way. */
function noted(join: LaneStream['join'], seated: () => void): LaneStream['join'] {
  return async (subscriber) => {
    const leave = await join(subscriber)
    if (leave !== null) seated()
    return leave
  }
}

interface Errand {
  readonly plan: Plan
  readonly viewer: Viewer
  readonly variables: Asked['variables']
  readonly mediaType: string
  readonly headers: readonly string[]
  readonly post: Post
}

/** The same, for whoever collects spans. */
function inSpan(lane: LaneParts, errand: Errand): Promise<PreparedAnswer | null> {
  const { name, facts } = spanOf(errand.plan)
  return lane.parts.telemetry.inSpan(name, 'server', facts, async () => carryOut(lane, errand))
}

/** A query or a mutation. Null, now or later, where nothing was done and nothing can be said. */
function carryOut(
  lane: LaneParts,
  errand: Errand,
): PreparedAnswer | Promise<PreparedAnswer | null> | null {
  const { plan, viewer, variables, headers, post } = errand
  const { requestId, startedAt } = post
  const leave = lane.crowd.enter(viewer.subject)
  if (leave === null) return null
  const isMutation = plan.kind === OperationTypeNode.MUTATION
  // What a query logs, it logs so seldom that it is not worth a log of its own.
  const parts = isMutation ? partsFor(lane.parts, requestId) : lane.parts
  const context = createContext(parts, viewer)
  const outcomes: Outcomes = isMutation ? new Map() : NO_OUTCOMES
  let isLate = false
  let data: Text
  try {
    data = plan.carryOut({ context, variables, outcomes, isLate: () => isLate })
  } catch {
    leave()
    return null
  }

  function answered(answer: PreparedAnswer): PreparedAnswer {
    note(lane, post, answer.status)
    return answer
  }

  function regular(text: string): PreparedAnswer {
    plan.meter.done((performance.now() - startedAt) / 1000, 'ok')
    return answered({ status: 200, headers, text: `{"data":${text}}` })
  }

  if (typeof data === 'string') {
    leave()
    return regular(data)
  }
  const promised = data

  return new Promise((resolve, reject) => {
    const end = lane.deadlines.begin(() => {
      isLate = true
      plan.meter.done((performance.now() - startedAt) / 1000, 'errors')
      settle(answered({ status: 200, headers, text: TOO_SLOW }))
    })
    function settle(answer: PreparedAnswer | null): void {
      end()
      leave?.()
      resolve(answer)
    }
    promised.then(
      (text) => isLate || settle(regular(text)),
      () => {
        if (isLate) return
        if (!isMutation) {
          settle(null)
          return
        }
        // It was done, and is not to be done again: only its answer is written the long way.
        const done = { outcomes, isLate: () => isLate }
        const anew = { ...createContext(parts, viewer), requestId }
        lane.longWay
          .answer(plan, viewer, { context: anew, variables, done }, errand.mediaType)
          .then(
            (answer) => isLate || settle(answered({ ...answer, headers })),
            (error: unknown) => {
              end()
              leave()
              reject(error)
            },
          )
      },
    )
  })
}
