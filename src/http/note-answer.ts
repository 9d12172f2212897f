/** Notes what a door answered: counted, and written down where somebody reads it. */
import type { RefusalReason } from '../telemetry/telemetry.ts'
import type { Parts } from '../uploads/parts.ts'

/** Answers that tell of somebody who should not be there, or of a client that is set up wrong. */
const REFUSALS: ReadonlySet<number> = new Set([401, 403, 421, 429])

/** What a status says of why somebody was turned away, for those who count them. */
const REASONS: ReadonlyMap<number, RefusalReason> = new Map([
  [401, 'unauthenticated'],
  [429, 'rate-limited'],
])

/** What is known of an answer. */
export interface Answered {
  /** Of a door: one of a few. A query could hold anything, and is left out. */
  readonly path: string
  readonly method: string
  readonly status: number
  readonly requestId: string | undefined
  /** By the gateway's clock, in milliseconds. */
  readonly startedAt: number
  /** The client's address; null where it is not known. */
  readonly client: string | null
}

export type NoteAnswer = (answered: Answered) => void

export function createNoteAnswer({
  clock,
  log,
  telemetry,
}: Pick<Parts, 'clock' | 'log' | 'telemetry'>): NoteAnswer {
  return ({ path, method, status, requestId, startedAt, client }) => {
    telemetry.answered(path, method, status)
    const milliseconds = clock.now().getTime() - startedAt
    const fields = { requestId, method, path, status, milliseconds, client }
    const reason = REASONS.get(status)
    if (reason !== undefined) telemetry.refused(path, reason)
    if (REFUSALS.has(status)) log.info(fields, 'refused')
    else log.debug(fields, 'answered')
  }
}
