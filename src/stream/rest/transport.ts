/**
 * The port to the network: one HTTP exchange with Stream, sent once, never redirected, never
 * repeated, and over within its time. What goes wrong is an outcome; its words are chosen elsewhere.
 */

/** What to send, and what is needed to speak of it when it fails. */
export interface StreamRequest {
  /** What the call is for, as it stands after "could not": "mint a tus URL". */
  readonly purpose: string
  readonly method: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'DELETE'
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly body?: string
  /** Whether Stream changes something by it: a failure then leaves open whether it has. */
  readonly changes: boolean
  /** For the whole exchange, the body's last byte included. */
  readonly timeoutMs: number
}

/** An answer's headers: read by name, in any case of letters; null where there is none. */
export type AnswerHeaders = Pick<Headers, 'get'>

/** An answer that has arrived in full. */
export interface StreamAnswer {
  /** 0 where a runtime hides a redirect that it did not follow. */
  readonly status: number
  readonly headers: AnswerHeaders
  readonly text: string
}

/** Why there is no whole answer. */
export interface Unanswered {
  readonly kind: 'unanswered'
  /** `late`: the time was over; `large`: the answer had more than 8 MB; `lost`: the connection. */
  readonly why: 'late' | 'large' | 'lost'
  /** Of an answer that had begun; null where none had. */
  readonly status: number | null
  /** False only where it is certain that nothing of the request has left. */
  readonly mayHaveLeft: boolean
  /** Only names and codes of it may be shown: messages may quote addresses, headers and answers. */
  readonly cause: unknown
}

/**
 * A keeper of the port. Redirects come back as they are, their address unread: one that is followed
 * is a token carried to another house. Rejects with the signal's own reason, and with nothing else.
 */
export type Send = (
  request: StreamRequest,
  signal?: AbortSignal,
) => Promise<({ readonly kind: 'answered' } & StreamAnswer) | Unanswered>

/** A list of 1,000 videos is 2 to 3 MB; whatever is much larger was not written by Stream. */
export const MAX_ANSWER_BYTES = 8 * 1024 * 1024
