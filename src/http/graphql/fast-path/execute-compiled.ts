/** Carries a planned query or mutation out, and answers as soon as all of it is there. */
import { OperationTypeNode } from 'graphql'
import { createContext } from '../../../graphql/context.ts'
import type { Parts } from '../../../uploads/dependencies.ts'
import type { Viewer } from '../../../uploads/viewer.ts'
import type { CrowdLimit } from '../plugins/concurrency-limit.ts'
import type { Deadlines } from '../plugins/deadlines.ts'
import { GRAPHQL_PATH } from '../endpoint.ts'
import type { NoteAnswer } from '../../middleware/access-log.ts'
import type { PreparedAnswer } from '../../raw-response.ts'
import { partsFor } from '../../middleware/request-id.ts'
import { tooSlow } from '../plugins/operation-timeout.ts'
import type { Asked } from './graphql-params.ts'
import type { LongWay } from './fallback-executor.ts'
import type { Outcomes } from './mutation-replay.ts'
import type { Plan } from './operation-cache.ts'
import type { Post } from './fast-request.ts'

/** What it is done with; the long way keeps the same bounds. */
export interface CarryingParts {
  readonly parts: Parts
  readonly noteAnswer: NoteAnswer
  readonly longWay: LongWay
  readonly crowd: CrowdLimit
  readonly deadlines: Deadlines
}

/** What is to be done, for whom, and how it is answered. */
export interface Errand {
  readonly plan: Plan
  readonly viewer: Viewer
  readonly variables: Asked['variables']
  readonly mediaType: string
  readonly headers: readonly string[]
  readonly post: Post
}

const NO_OUTCOMES: Outcomes = new Map()
const TOO_SLOW = JSON.stringify({ data: null, errors: [tooSlow()] })

/** A query or a mutation. Null, now or later, where nothing was done and nothing can be said. */
export function carryOut(
  lane: CarryingParts,
  errand: Errand,
): PreparedAnswer | Promise<PreparedAnswer | null> | null {
  const { plan, viewer, post } = errand
  if (!lane.crowd.hasRoom(viewer.subject)) return null
  const isMutation = plan.kind === OperationTypeNode.MUTATION
  // What a query logs, it logs so seldom that it is not worth a log of its own.
  const parts = isMutation ? partsFor(lane.parts, post.requestId) : lane.parts
  const progress: Progress = { outcomes: isMutation ? new Map() : NO_OUTCOMES, isLate: false }
  try {
    const data = plan.carryOut({
      context: createContext(parts, viewer),
      variables: errand.variables,
      outcomes: progress.outcomes,
      isLate: () => progress.isLate,
    })
    // What was there at once has never been under way.
    return typeof data === 'string'
      ? regular(lane, errand, data)
      : answerLater(lane, errand, { parts, data, progress })
  } catch {
    return null
  }
}

/** How far an operation has come. */
interface Progress {
  readonly outcomes: Outcomes
  /** Whether its time is over, and it was answered so. */
  isLate: boolean
}

/** An operation that waits for something. */
interface UnderWay {
  readonly parts: Parts
  readonly data: Promise<string>
  readonly progress: Progress
}

function answerLater(
  lane: CarryingParts,
  errand: Errand,
  { parts, data, progress }: UnderWay,
): Promise<PreparedAnswer | null> {
  const { plan, viewer, variables, headers } = errand
  const leave = lane.crowd.enter(viewer.subject)
  return new Promise((resolve, reject) => {
    const end = lane.deadlines.begin(() => {
      progress.isLate = true
      settle(answered(lane, errand, { status: 200, headers, text: TOO_SLOW }, 'errors'))
    })
    function settle(answer: PreparedAnswer | null): void {
      end()
      leave?.()
      resolve(answer)
    }
    data.then(
      (text) => progress.isLate || settle(regular(lane, errand, text)),
      () => {
        if (progress.isLate) return
        if (plan.kind !== OperationTypeNode.MUTATION) {
          settle(null)
          return
        }
        // It was done, and is not to be done again: only its answer is written the long way.
        const done = { outcomes: progress.outcomes, isLate: () => progress.isLate }
        const anew = { ...createContext(parts, viewer), requestId: errand.post.requestId }
        lane.longWay
          .answer(plan, viewer, { context: anew, variables, done }, errand.mediaType)
          .then(
            (answer) => progress.isLate || settle(answered(lane, errand, { ...answer, headers })),
            (error: unknown) => {
              end()
              leave?.()
              reject(error)
            },
          )
      },
    )
  })
}

function regular(lane: CarryingParts, errand: Errand, text: string): PreparedAnswer {
  const answer = { status: 200, headers: errand.headers, text: `{"data":${text}}` }
  return answered(lane, errand, answer, 'ok')
}

/** Notes the answer, and what it came to unless the long way has measured that. */
function answered(
  lane: CarryingParts,
  { plan, post }: Errand,
  answer: PreparedAnswer,
  outcome?: 'ok' | 'errors',
): PreparedAnswer {
  if (outcome !== undefined) plan.meter.done((performance.now() - post.startedAt) / 1000, outcome)
  note(lane, post, answer.status)
  return answer
}

/** Noted as the router notes what goes the long way. */
export function note(
  { noteAnswer }: CarryingParts,
  { requestId, startedAt, client }: Post,
  status: number,
) {
  noteAnswer({ path: GRAPHQL_PATH, method: 'POST', status, requestId, startedAt, client })
}
