/** Sends a callback to a target once. */
import { errorCodeChain } from '../shared/error-codes.ts'
import type { Clock } from '../shared/clock.ts'
import type { CallbackEvent } from '../uploads/ports/callback-store.ts'
import type { CallbackAttemptOutcome } from '../uploads/ports/telemetry.ts'
import { parseRetryAfter } from './retry-schedule.ts'
import type { SignCallback } from './signature.ts'
import { ATTEMPT_TIMEOUT_MS, type CallbackTransport, type TransportResult } from './transport.ts'

export interface SendDependencies {
  readonly send: CallbackTransport
  readonly sign: SignCallback
  readonly clock: Clock
}

/** Result of one attempt. Contains nothing that the target sent but its status. */
export interface AttemptResult {
  readonly outcome: Exclude<CallbackAttemptOutcome, 'dead'>
  /** HTTP status; null without a response. */
  readonly status: number | null
  /** Why the attempt failed, without the URL; null if it did not. */
  readonly error: string | null
  /** Wait that the target asked for, in milliseconds; null if none. */
  readonly retryAfterMs: number | null
  /** Whether the target serves no callback for now: it did not respond, or responded with 429 or 503. */
  readonly isUnavailable: boolean
  /** Whether the target wants no further attempt of this callback. */
  readonly isGone: boolean
  /** Body of the response, as far as it was read. For the operator only, never for logs. */
  readonly text: string
}

const NO_RESPONSE = {
  status: null,
  retryAfterMs: null,
  isUnavailable: true,
  isGone: false,
  text: '',
} as const

/** Sends the callback and awaits the response. Never rejects. */
export async function sendCallback(
  { send, sign, clock }: SendDependencies,
  { id, body }: Pick<CallbackEvent, 'id' | 'body'>,
  target: string,
): Promise<AttemptResult> {
  const signed = await sign(id, clock.now(), body)
  const headers = { 'content-type': 'application/json', ...signed }
  return resultOf(await send({ url: target, headers, body }), clock.now())
}

function resultOf(result: TransportResult, now: Date): AttemptResult {
  if (result.kind === 'response') return answered(result, now)
  // The status decides, even if the body is too large or incomplete.
  if (result.status !== null) {
    return answered({ status: result.status, headers: result.headers, text: '' }, now)
  }
  if (result.reason === 'timeout') {
    const error = `The target did not respond within ${ATTEMPT_TIMEOUT_MS / 1000} s.`
    return { outcome: 'timeout', error, ...NO_RESPONSE }
  }
  const codes = errorCodeChain(result.cause).join(', ') || 'no reason given'
  const error = `The connection failed (${codes}).`
  return { outcome: 'connection_failed', error, ...NO_RESPONSE }
}

interface Answer {
  readonly status: number
  readonly headers: TransportResult['headers']
  readonly text: string
}

function answered({ status, headers, text }: Answer, now: Date): AttemptResult {
  // https://www.rfc-editor.org/rfc/rfc9110#field.retry-after
  const isUnavailable = status === 429 || status === 503
  const isDelivered = status >= 200 && status < 300
  return {
    outcome: isDelivered ? 'delivered' : 'rejected',
    status,
    error: isDelivered ? null : rejectionOf(status),
    retryAfterMs: isUnavailable ? parseRetryAfter(headers?.get('retry-after') ?? null, now) : null,
    isUnavailable,
    isGone: status === 410,
    text,
  }
}

function rejectionOf(status: number): string {
  return isRedirect(status)
    ? 'The target redirected the callback, which is not followed. Set CALLBACK_URLS to the final URL.'
    : `The target responded with status ${status}.`
}

/** Workers report an unfollowed redirect as status 0. */
function isRedirect(status: number): boolean {
  return status === 0 || (status >= 300 && status < 400)
}
