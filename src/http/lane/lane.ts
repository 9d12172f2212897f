/**
 * The fast lane in front of the GraphQL door. What a client sends again and again is answered here as
 * Yoga answered it before, compiled; everything else, and whatever is not the regular case, goes the
 * long way. Both ways keep the same bounds.
 */
import { OperationTypeNode } from 'graphql'
import { createContext } from '../../graphql/context.ts'
import type { Parts } from '../../uploads/parts.ts'
import type { Viewer } from '../../uploads/viewer.ts'
import type { CrowdLimit } from '../crowd-limit.ts'
import type { Deadlines } from '../deadlines.ts'
import type { Callers } from '../remember-callers.ts'
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
}

/** What is to be answered. */
export interface LaneAnswer {
  readonly status: number
  /** Names and values in turn. */
  readonly headers: readonly string[]
  readonly text: string
}

/** A stream of events is to be answered: `join` seats whoever reads it. */
export interface LaneStream {
  readonly headers: readonly string[]
  /** Null where the long way has something to say about it. */
  readonly join: (subscriber: Subscriber) => Promise<(() => void) | null>
}

export interface Lane {
  /** Null where the long way is to be gone; nothing was done then. */
  answer(post: Post): LaneAnswer | LaneStream | Promise<LaneAnswer | null> | null
  /**
   * The same for a subscription that comes by other ways than HTTP; its `learn` is `learnWatched`.
   * Null where there is no plan for it.
   */
  watch(viewer: Viewer, asked: Asked): LaneStream['join'] | null
  learnWatched(viewer: Viewer, asked: Asked): void
  /** Says that the long way answered this with 200 and this media type. */
  learn(post: Post, mediaType: string): void
}

/** What the lane is made with; both ways share the limits. */
export interface LaneParts {
  readonly parts: Parts
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

  function watch(
    viewer: Viewer,
    { variables }: Asked,
    plan: Plan | null,
  ): LaneStream['join'] | null {
    if (plan?.kind !== OperationTypeNode.SUBSCRIPTION) return null
    return (subscriber) => audiences.join(plan, viewer, variables, subscriber)
  }

  return {
    answer({ authorization, accept, from, body }) {
      const viewer = callers.recall(authorization)
      if (viewer === null) return null
      const asked = readAsked(body)
      const plan = asked === null ? null : plans.find(asked)
      const mediaType = plan?.types.get(accept ?? '')
      if (asked === null || plan === null || mediaType === undefined) return null
      const headers = lane.headers(from, mediaType)
      if (headers === null) return null
      const { variables } = asked
      const join = watch(viewer, asked, plan)
      return join === null
        ? carryOut(lane, { plan, viewer, variables, mediaType, headers })
        : { headers, join }
    },

    watch: (viewer, asked) => watch(viewer, asked, plans.find(asked)),

    learnWatched(viewer, asked) {
      plans.learn(asked, (query) => longWay.prepare(query, viewer))
    },

    learn({ authorization, accept, body }, mediaType) {
      const viewer = callers.recall(authorization)
      const asked = readAsked(body)
      if (viewer === null || asked === null) return
      plans.learn(asked, (query) => longWay.prepare(query, viewer))
      plans.learnType(asked, accept ?? '', mediaType)
    },
  }
}

interface Errand {
  readonly plan: Plan
  readonly viewer: Viewer
  readonly variables: Asked['variables']
  readonly mediaType: string
  readonly headers: readonly string[]
}

/** A query or a mutation. Null, now or later, where nothing was done and nothing can be said. */
function carryOut(lane: LaneParts, errand: Errand): LaneAnswer | Promise<LaneAnswer | null> | null {
  const { plan, viewer, variables, mediaType, headers } = errand
  const leave = lane.crowd.enter(viewer.subject)
  if (leave === null) return null
  const context = createContext(lane.parts, viewer)
  const isMutation = plan.kind === OperationTypeNode.MUTATION
  const outcomes: Outcomes = isMutation ? new Map() : NO_OUTCOMES
  let isLate = false
  let data: Text
  try {
    data = plan.carryOut({ context, variables, outcomes, isLate: () => isLate })
  } catch {
    leave()
    return null
  }
  if (typeof data === 'string') {
    leave()
    return regular(data, headers)
  }
  const promised = data

  return new Promise((resolve, reject) => {
    const end = lane.deadlines.begin(() => {
      isLate = true
      settle({ status: 200, headers, text: TOO_SLOW })
    })
    function settle(answer: LaneAnswer | null): void {
      end()
      leave?.()
      resolve(answer)
    }
    promised.then(
      (text) => settle(regular(text, headers)),
      () => {
        if (!isMutation || isLate) {
          settle(null)
          return
        }
        // It was done, and is not to be done again: only its answer is written the long way.
        lane.longWay
          .answer(plan, viewer, { context, variables, outcomes }, mediaType)
          .then((answer) => settle({ ...answer, headers }))
          .catch(reject)
      },
    )
  })
}

function regular(data: string, headers: readonly string[]): LaneAnswer {
  return { status: 200, headers, text: `{"data":${data}}` }
}
