/** Converts an error response to a StreamError that is safe to log and to show. */
import type { ApiMessage, Envelope } from './envelope.ts'
import { StreamError } from '../../uploads/ports/stream-error.ts'
import { readRetryAfter } from './retry-after.ts'
import type { TransportResponse, TransportRequest } from './transport.ts'
import { errorKindOf, MESSAGE_PREFIXES, scrubMessage } from '../error-messages.ts'

/** Data of an error response. */
export interface ResponseErrorContext {
  readonly request: TransportRequest
  readonly response: TransportResponse
  /** Null if the response was not Cloudflare's JSON. */
  readonly envelope: Envelope | null
  /** Removed from messages, in case the response quotes it. */
  readonly apiToken: string
  readonly now: Date
}

/** Returns the error of a response that is no success. */
export function responseError(context: ResponseErrorContext): StreamError {
  const { request, response, envelope } = context
  const errors = envelope?.errors ?? []
  const codes = [...new Set(errors.flatMap(({ code }) => code ?? []))]
  const kind = errorKindOf(response.status, codes, envelope !== null)
  const quote = quoteFirst([...(envelope?.messages ?? []), ...errors], context.apiToken)
  const code = codes[0] === undefined ? '' : `, code ${codes[0]}`
  return new StreamError(
    `${MESSAGE_PREFIXES[kind](request.purpose)} (HTTP ${response.status}${code})${quote}`,
    {
      kind,
      // A valid rejection means that nothing was changed; otherwise the outcome is unknown.
      mayHaveSucceeded: kind === 'unavailable' && request.changes,
      status: response.status,
      codes,
      retryAfterSeconds: readRetryAfter(response.headers, context.now),
    },
  )
}

/** Returns the error of a successful response with invalid content; the call may have succeeded. */
export function invalidResponseError(
  request: TransportRequest,
  response: TransportResponse,
  problem: string,
): StreamError {
  return new StreamError(`Stream could not ${request.purpose}: its response ${problem}.`, {
    kind: 'unavailable',
    mayHaveSucceeded: request.changes,
    status: response.status,
    codes: [],
    retryAfterSeconds: null,
  })
}

function quoteFirst(apiMessages: readonly ApiMessage[], apiToken: string): string {
  for (const { message } of apiMessages) {
    const quote = scrubMessage(message ?? '', apiToken)
    if (quote !== '') return `: ${quote}`
  }
  return '.'
}
