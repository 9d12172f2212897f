/** One exchange with Stream, told in the words of its errors where no whole answer came of it. */
import { StreamError } from '../../uploads/ports/stream-error.ts'
import { nameCauses } from '../name-causes.ts'
import type { Send, StreamAnswer, StreamRequest, Unanswered } from './transport.ts'

/**
 * Sends the request once and waits for the whole answer, whatever its status below or above 400.
 *
 * @throws StreamError `unavailable` where no complete answer came, and for a redirect.
 * @throws the caller's own abort reason, as it is.
 */
export async function exchange(
  send: Send,
  request: StreamRequest,
  signal?: AbortSignal,
): Promise<StreamAnswer> {
  const outcome = await send(request, signal)
  if (outcome.kind === 'unanswered') throw unanswered(request, outcome)
  if (isRedirect(outcome.status)) {
    throw broken(request, { what: 'it redirected the call', status: outcome.status })
  }
  return outcome
}

// Browsers and Workers show a redirect that was not followed as status 0.
function isRedirect(status: number): boolean {
  return status === 0 || (status >= 300 && status < 400)
}

function unanswered(request: StreamRequest, outcome: Unanswered): StreamError {
  switch (outcome.why) {
    case 'late':
      return broken(request, {
        ...outcome,
        what: `it did not answer within ${request.timeoutMs} ms`,
        cause: null,
      })
    case 'large':
      return broken(request, { ...outcome, what: 'its answer was larger than 8 MB' })
    case 'lost': {
      const trail = nameCauses(outcome.cause).join(', ') || 'no reason given'
      // Not the error itself: clients quote addresses and headers in some of their messages, and
      // the parser's errors carry the raw answer.
      const cause = new Error(trail)
      return broken(request, { ...outcome, what: `the connection failed (${trail})`, cause })
    }
  }
}

interface Breakage {
  /** As it stands after "Stream could not mint: ". */
  readonly what: string
  readonly status: number | null
  /** @default true */
  readonly mayHaveLeft?: boolean
  readonly cause?: unknown
}

function broken(
  request: StreamRequest,
  { what, status, mayHaveLeft = true, cause }: Breakage,
): StreamError {
  // A status of 4xx is a refusal even where its explanation never arrived.
  const isRefused = status !== null && status >= 400 && status < 500
  return new StreamError(
    `Stream could not ${request.purpose}: ${what}.`,
    {
      kind: 'unavailable',
      mayHaveHappened: request.changes && mayHaveLeft && !isRefused,
      status,
      codes: [],
      retryAfterSeconds: null,
    },
    cause instanceof Error ? { cause } : undefined,
  )
}
