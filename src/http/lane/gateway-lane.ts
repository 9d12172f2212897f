/** Puts the fast lane together. */
import { schema } from '../../graphql/schema.ts'
import type { Parts } from '../../uploads/dependencies.ts'
import type { AnswerHeaders } from '../response-headers.ts'
import type { CrowdLimit } from '../graphql/plugins/concurrency-limit.ts'
import type { Deadlines } from '../graphql/plugins/deadlines.ts'
import { createLapses } from '../auth/token-expiry.ts'
import type { KnownDocuments } from '../known-documents.ts'
import type { NoteAnswer } from '../middleware/access-log.ts'
import type { Callers } from '../auth/authenticator.ts'
import type { Yoga } from '../graphql/yoga.ts'
import { createAudiences } from '../graphql/fast-path/subscriptions/fan-out.ts'
import { type LaneRules, createLaneHeaders } from '../graphql/fast-path/response-headers.ts'
import { type Lane, createLane } from '../graphql/fast-path/fast-path.ts'
import { createLongWay } from '../graphql/fast-path/fallback-executor.ts'
import { createPlans } from '../graphql/fast-path/operation-cache.ts'

/** What it shares with the long way. */
export interface LaneOptions extends LaneRules {
  readonly answerHeaders: AnswerHeaders
  readonly noteAnswer: NoteAnswer
  readonly callers: Callers
  readonly crowd: CrowdLimit
  readonly deadlines: Deadlines
  readonly documents: KnownDocuments
}

export function createGatewayLane(parts: Parts, yoga: Yoga, options: LaneOptions): Lane {
  const longWay = createLongWay(yoga, schema, { ...options, log: parts.log })
  return createLane({
    parts,
    noteAnswer: options.noteAnswer,
    callers: options.callers,
    crowd: options.crowd,
    deadlines: options.deadlines,
    plans: createPlans(schema, parts.telemetry),
    audiences: createAudiences(parts, longWay, createLapses(parts)),
    longWay,
    headers: createLaneHeaders(options, options.answerHeaders),
  })
}
