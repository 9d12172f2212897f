/** Puts the fast lane together. */
import { schema } from '../../graphql/schema.ts'
import type { Parts } from '../../uploads/parts.ts'
import type { AnswerHeaders } from '../answer-headers.ts'
import type { CrowdLimit } from '../crowd-limit.ts'
import type { Deadlines } from '../deadlines.ts'
import { createLapses } from '../lapses.ts'
import type { KnownDocuments } from '../known-documents.ts'
import type { NoteAnswer } from '../note-answer.ts'
import type { Callers } from '../remember-callers.ts'
import type { Yoga } from '../yoga.ts'
import { createAudiences } from './audiences.ts'
import { type LaneRules, createLaneHeaders } from './headers.ts'
import { type Lane, createLane } from './lane.ts'
import { createLongWay } from './long-way.ts'
import { createPlans } from './plans.ts'

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
