/**
 * The fast lane in front of the GraphQL door. What a client sends again and again is answered here as
 * Yoga answered it before, compiled; everything else, and whatever is not the regular case, goes the
 * long way. Both ways keep the same bounds.
 */
import { OperationTypeNode } from 'graphql'
import type { SubscriptionTransport } from '../../../uploads/ports/telemetry.ts'
import type { Viewer } from '../../../uploads/viewer.ts'
import { pickVariables } from '../plugins/declared-variables.ts'
import { spanOf } from '../plugins/operation-telemetry.ts'
import type { PreparedAnswer } from '../../raw-response.ts'
import type { Callers } from '../../auth/authenticator.ts'
import { type Asked, readAsked } from './graphql-params.ts'
import type { Audiences } from './subscriptions/fan-out.ts'
import type { Subscriber } from './subscriptions/subscriber.ts'
import { type CarryingParts, type Errand, carryOut, note } from './execute-compiled.ts'
import type { LaneHeaders } from './response-headers.ts'
import type { Plan, Plans } from './operation-cache.ts'
import type { Post } from './fast-request.ts'

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
export interface LaneParts extends CarryingParts {
  readonly callers: Callers
  readonly plans: Plans
  readonly audiences: Audiences
  readonly headers: LaneHeaders
}

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
    // They are kept for as long as anybody subscribes; and who sent others beside them, shares as well.
    const declared = pickVariables(plan.variableNames, variables)
    return (subscriber) => audiences.join(plan, viewer, declared, subscriber, transport)
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

/** Whoever is seated has been answered; anybody else goes the long way. */
function noted(join: LaneStream['join'], seated: () => void): LaneStream['join'] {
  return async (subscriber) => {
    const leave = await join(subscriber)
    if (leave !== null) seated()
    return leave
  }
}

/** The same, for whoever collects spans. */
function inSpan(lane: LaneParts, errand: Errand): Promise<PreparedAnswer | null> {
  const { name, facts } = spanOf(errand.plan)
  return lane.parts.telemetry.inSpan(name, 'server', facts, async () => carryOut(lane, errand))
}
