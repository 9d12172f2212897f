/** Sends one request to Stream; converts transport failures and redirects to StreamError. */
import { StreamError } from '../../uploads/ports/stream-error.ts'
import { errorCodeChain } from '../../shared/error-codes.ts'
import type {
  HttpTransport,
  TransportResponse,
  TransportRequest,
  TransportFailure,
} from './transport.ts'

/**
 * Sends the request once and returns the complete response, also for error statuses.
 *
 * @throws StreamError `unavailable` without a complete response, and for a redirect.
 * @throws the caller's abort reason, unchanged.
 */
export async function sendRequest(
  send: HttpTransport,
  request: TransportRequest,
  signal?: AbortSignal,
): Promise<TransportResponse> {
  const outcome = await send(request, signal)
  if (outcome.kind === 'failure') throw transportError(request, outcome)
  if (isRedirect(outcome.status)) {
    throw unavailableError(request, { action: 'it redirected the request', status: outcome.status })
  }
  return outcome
}

// Browsers and Workers report an unfollowed redirect as status 0.
function isRedirect(status: number): boolean {
  return status === 0 || (status >= 300 && status < 400)
}

function transportError(request: TransportRequest, outcome: TransportFailure): StreamError {
  switch (outcome.reason) {
    case 'timeout':
      return unavailableError(request, {
        ...outcome,
        action: `it did not respond within ${request.timeoutMs} ms`,
        cause: null,
      })
    case 'too-large':
      return unavailableError(request, { ...outcome, action: 'its response was larger than 8 MB' })
    case 'connection': {
      const codeChain = errorCodeChain(outcome.cause).join(', ') || 'no reason given'
      // Only error codes: HTTP clients quote URLs and headers in messages, and parser errors hold
      // the raw response.
      const cause = new Error(codeChain)
      return unavailableError(request, {
        ...outcome,
        action: `the connection failed (${codeChain})`,
        cause,
      })
    }
  }
}

interface FailureDetails {
  /** Completes "Stream could not mint: ". */
  readonly action: string
  readonly status: number | null
  /** @default true */
  readonly mayHaveBeenSent?: boolean
  readonly cause?: unknown
}

function unavailableError(
  request: TransportRequest,
  { action, status, mayHaveBeenSent = true, cause }: FailureDetails,
): StreamError {
  // A 4xx status is a rejection, even if its body never arrived.
  const isRejected = status !== null && status >= 400 && status < 500
  return new StreamError(
    `Stream could not ${request.purpose}: ${action}.`,
    {
      kind: 'unavailable',
      mayHaveSucceeded: request.changes && mayHaveBeenSent && !isRejected,
      status,
      codes: [],
      retryAfterSeconds: null,
    },
    cause instanceof Error ? { cause } : undefined,
  )
}
