/** Notes what a door answered: counted, and written down where somebody reads it. */
import type { RefusalReason } from '../../uploads/ports/telemetry.ts'
import type { Parts } from '../../uploads/dependencies.ts'

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
  /** By `performance.now()`. */
  readonly startedAt: number
  /** The client's address, asked for where it is written down; null where it is not known. */
  readonly client: () => string | null
}

export type NoteAnswer = (answered: Answered) => void

export function createNoteAnswer({ log, telemetry }: Pick<Parts, 'log' | 'telemetry'>): NoteAnswer {
  // Asked once: with every answer, a line that nobody reads would cost more than counting it.
  const isWritten = log.isLevelEnabled?.('debug') ?? true
  return ({ path, method, status, requestId, startedAt, client }) => {
    telemetry.answered(path, method, status)
    const reason = REASONS.get(status)
    if (reason !== undefined) telemetry.refused(path, reason)
    const isRefusal = REFUSALS.has(status)
    if (!isRefusal && !isWritten) return
    const milliseconds = Math.round(performance.now() - startedAt)
    const fields = { requestId, method, path, status, milliseconds, client: client() }
    if (isRefusal) log.info(fields, 'refused')
    else log.debug(fields, 'answered')
  }
}
