/**
 * Answers that the host gives by itself, where no door was asked or one could not answer: they look and
 * count as those of the doors do.
 */
import type { RefusalReason, Telemetry } from '../uploads/ports/telemetry.ts'
import type { AnswerHeaders } from './response-headers.ts'
import type { Answered, NoteAnswer } from './middleware/access-log.ts'

/** What is known of such an answer: of the address not more than what came. */
export interface AnsweredBeside extends Omit<Answered, 'path'> {
  /** With its query, if any. */
  readonly url: string
}

export interface BesideDoors {
  readonly headers: AnswerHeaders
  /** Notes the answer; the reason where somebody was turned away by it. */
  readonly note: (answered: AnsweredBeside, reason?: RefusalReason) => void
}

/** @param paths where there are doors */
export function createBesideDoors(
  paths: ReadonlySet<string>,
  headers: AnswerHeaders,
  telemetry: Pick<Telemetry, 'answered' | 'refused'>,
  noteAnswer: NoteAnswer,
): BesideDoors {
  return {
    headers,
    note({ url, ...answered }, reason) {
      const [path = ''] = url.split('?', 1)
      const isDoor = paths.has(path)
      if (isDoor) noteAnswer({ path, ...answered })
      else telemetry.answered(null, answered.method, answered.status)
      if (reason !== undefined) telemetry.refused(isDoor ? path : 'none', reason)
    },
  }
}
