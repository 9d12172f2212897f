/** Converts errors of the Workers binding, which may lose names and status codes over RPC. */
import { StreamError, type StreamErrorKind } from '../../uploads/ports/stream-error.ts'
import { fieldsOf, readPositiveInteger } from '../json-fields.ts'
import { errorCodeChain } from '../../shared/error-codes.ts'
import { scrubMessage, errorKindOf, MESSAGE_PREFIXES } from '../error-messages.ts'

/** Description of one binding call for its error. */
export interface BindingCall {
  /** Completes "could not …", such as "mint an upload URL". */
  readonly purpose: string
  /** Whether the call modifies data at Stream: after a failure, it may have succeeded. */
  readonly changes: boolean
  /** Timeout of the whole call, in milliseconds. */
  readonly timeoutMs: number
}

/** Error kind of a name, and the HTTP status if the error has none. */
interface NamedKind {
  readonly kind: StreamErrorKind
  readonly status: number
}

/** https://developers.cloudflare.com/stream/manage-video-library/bindings/#error-handling */
const errorsByName: ReadonlyMap<string, NamedKind> = new Map([
  ['BadRequestError', { kind: 'invalid', status: 400 }],
  ['InvalidURLError', { kind: 'invalid', status: 400 }],
  ['TooManyWatermarksError', { kind: 'invalid', status: 400 }],
  ['NotFoundError', { kind: 'invalid', status: 404 }],
  ['AlreadyUploadedError', { kind: 'invalid', status: 409 }],
  // Concerns one file, and so the request; it is not the account's storage quota.
  ['MaxFileSizeError', { kind: 'invalid', status: 413 }],
  ['ForbiddenError', { kind: 'unauthorized', status: 403 }],
  ['RateLimitedError', { kind: 'rate-limited', status: 429 }],
  ['QuotaReachedError', { kind: 'quota', status: 413 }],
  ['InternalError', { kind: 'unavailable', status: 500 }],
])

const MAX_CODE = 1_000_000

/** Error properties, wherever the error holds them. */
interface ErrorInfo {
  /** One of the documented names; null otherwise. */
  readonly name: string | null
  readonly kind: StreamErrorKind
  /** Null without a status or a known name: Stream may not have responded at all. */
  readonly status: number | null
  readonly codes: readonly number[]
  /** Message without the name prefix. */
  readonly sentence: string
}

// "Error: NotFoundError: Not Found": each RPC boundary may prepend a name.
const prefixed = /^(?:Uncaught )?(?:Error: )?([A-Za-z]{1,60}Error): (.*)$/s

function readErrorInfo(error: unknown): ErrorInfo {
  const { name, message, statusCode, code } = fieldsOf(error)
  const text = typeof message === 'string' ? message : ''
  const [, prefix = '', rest = ''] = prefixed.exec(text) ?? []
  const sentence = errorsByName.has(prefix) ? rest : text
  const statusField = readPositiveInteger(statusCode, 599)
  const status = statusField !== null && statusField >= 400 ? statusField : null
  const number = readPositiveInteger(code, MAX_CODE)
  const codes = number === null ? [] : [number]

  const knownName = typeof name === 'string' && errorsByName.has(name) ? name : null
  // A status comes from Stream; a message prefix is only a fallback for a lost name.
  const known = knownName ?? (status === null && errorsByName.has(prefix) ? prefix : null)
  const byName = known === null ? undefined : errorsByName.get(known)
  // Codes for quota and authentication take precedence over name and status.
  const byCode = errorKindOf(400, codes, true)
  const byStatus = status === null ? 'unavailable' : errorKindOf(status, codes, true)
  return {
    name: known,
    kind: byCode === 'invalid' ? (byName?.kind ?? byStatus) : byCode,
    status: status ?? byName?.status ?? null,
    codes,
    sentence,
  }
}

/** Whether the error means that the video does not exist. */
export function isNotFound(error: unknown): boolean {
  const { name, kind, status } = readErrorInfo(error)
  return kind === 'invalid' && (name === 'NotFoundError' || (name === null && status === 404))
}

/**
 * Converts an error that the binding rejected with. An Error without a documented name or status
 * counts as a lost connection: the call may have succeeded.
 */
export function toStreamError(error: unknown, call: BindingCall): StreamError {
  const { name, kind, status, codes, sentence } = readErrorInfo(error)
  if (status === null) return connectionError(error, call)
  const details = [
    ...(name === null ? [] : [name]),
    `HTTP ${status}`,
    ...codes.map((code) => `code ${code}`),
  ]
  const scrubbed = scrubMessage(sentence, null)
  return new StreamError(
    `${bindingMessagePrefixes[kind](call.purpose)} (${details.join(', ')})${scrubbed === '' ? '.' : `: ${scrubbed}`}`,
    {
      kind,
      mayHaveSucceeded: kind === 'unavailable' && call.changes,
      status,
      codes,
      retryAfterSeconds: null,
    },
  )
}

/** Error of a call that timed out; it may have succeeded. */
export function timeoutError({ purpose, changes, timeoutMs }: BindingCall): StreamError {
  return unavailableError(
    `Stream could not ${purpose}: it did not respond within ${timeoutMs} ms.`,
    changes,
  )
}

/** Error of a successful call with an invalid response. */
export function invalidResponseError(
  { purpose, changes }: BindingCall,
  problem: string,
): StreamError {
  return unavailableError(`Stream could not ${purpose}: its response ${problem}.`, changes)
}

function connectionError(error: unknown, { purpose, changes }: BindingCall): StreamError {
  const codeChain = errorCodeChain(error).join(', ') || 'no reason given'
  // Only error codes: the error's message may quote a one-time URL.
  return unavailableError(
    `Stream could not ${purpose}: the call of the Workers binding failed (${codeChain}).`,
    changes,
    new Error(codeChain),
  )
}

function unavailableError(message: string, mayHaveSucceeded: boolean, cause?: Error): StreamError {
  return new StreamError(
    message,
    { kind: 'unavailable', mayHaveSucceeded, status: null, codes: [], retryAfterSeconds: null },
    cause === undefined ? undefined : { cause },
  )
}

/** The messages of the REST adapter, without the API token. */
const bindingMessagePrefixes: typeof MESSAGE_PREFIXES = {
  ...MESSAGE_PREFIXES,
  unauthorized: (purpose) => `Stream would not ${purpose}: it rejects this Worker`,
}

/** @param sentence the unsupported operation and its alternative */
export function unsupportedError(sentence: string): StreamError {
  return new StreamError(sentence, {
    kind: 'invalid',
    mayHaveSucceeded: false,
    status: null,
    codes: [],
    retryAfterSeconds: null,
  })
}
