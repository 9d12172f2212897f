/** Reads the errors of the Workers binding, which may lose their names and numbers on their way. */
import { StreamError, type StreamErrorKind } from '../../uploads/ports/stream-error.ts'
import { fieldsOf, readWhole } from '../json-fields.ts'
import { nameCauses } from '../name-causes.ts'
import { kindOf, leads, scrub } from '../rest/response-error.ts'

/** One call of the binding, as far as it has to be spoken of when it fails. */
export interface BoundCall {
  /** As it stands after "could not": "mint an upload URL". */
  readonly purpose: string
  /** Whether Stream changes something by it: a failure then leaves open whether it has. */
  readonly changes: boolean
  /** For the whole call. */
  readonly timeoutMs: number
}

/** What a name stands for, and the HTTP status that goes with it where none was told. */
interface NamedKind {
  readonly kind: StreamErrorKind
  readonly status: number
}

/** https://developers.cloudflare.com/stream/manage-video-library/bindings/#error-handling */
const named: ReadonlyMap<string, NamedKind> = new Map([
  ['BadRequestError', { kind: 'invalid', status: 400 }],
  ['InvalidURLError', { kind: 'invalid', status: 400 }],
  ['TooManyWatermarksError', { kind: 'invalid', status: 400 }],
  ['NotFoundError', { kind: 'invalid', status: 404 }],
  ['AlreadyUploadedError', { kind: 'invalid', status: 409 }],
  // Of a file, and so of a request: it says nothing of the account's storage.
  ['MaxFileSizeError', { kind: 'invalid', status: 413 }],
  ['ForbiddenError', { kind: 'unauthorized', status: 403 }],
  ['RateLimitedError', { kind: 'rate-limited', status: 429 }],
  ['QuotaReachedError', { kind: 'quota', status: 413 }],
  ['InternalError', { kind: 'unavailable', status: 500 }],
])

const largestCode = 1_000_000

/** What an error says of itself, wherever it says it. */
interface Told {
  /** Of those that the binding documents; null where it has none of them. */
  readonly name: string | null
  readonly kind: StreamErrorKind
  /** Null where neither a status nor a name was told: then nobody knows whether Stream answered. */
  readonly status: number | null
  readonly codes: readonly number[]
  /** Without the name in front of it. */
  readonly sentence: string
}

// "Error: NotFoundError: Not Found": each border that an error crosses may add a name in front.
const prefixed = /^(?:Uncaught )?(?:Error: )?([A-Za-z]{1,60}Error): (.*)$/s

function read(error: unknown): Told {
  const { name, message, statusCode, code } = fieldsOf(error)
  const text = typeof message === 'string' ? message : ''
  const [, prefix = '', rest = ''] = prefixed.exec(text) ?? []
  const sentence = named.has(prefix) ? rest : text
  const told = readWhole(statusCode, 599)
  const status = told !== null && told >= 400 ? told : null
  const number = readWhole(code, largestCode)
  const codes = number === null ? [] : [number]

  const own = typeof name === 'string' && named.has(name) ? name : null
  // A status is told by Stream; words at the head of a message are but the last trace of a name.
  const known = own ?? (status === null && named.has(prefix) ? prefix : null)
  const meant = known === null ? undefined : named.get(known)
  // Codes that tell quota and authentication are believed whatever else is said.
  const byCode = kindOf(400, codes, true)
  const byStatus = status === null ? 'unavailable' : kindOf(status, codes, true)
  return {
    name: known,
    kind: byCode === 'invalid' ? (meant?.kind ?? byStatus) : byCode,
    status: status ?? meant?.status ?? null,
    codes,
    sentence,
  }
}

/** Whether the error says that there is no such video. */
export function saysAbsent(error: unknown): boolean {
  const { name, kind, status } = read(error)
  return kind === 'invalid' && (name === 'NotFoundError' || (name === null && status === 404))
}

/**
 * The error for a call that the binding rejected. A plain Error without any of its names is a
 * connection that was lost, as far as anybody can tell: the work may have been done.
 */
export function bindingTrouble(error: unknown, call: BoundCall): StreamError {
  const { name, kind, status, codes, sentence } = read(error)
  if (status === null) return lost(error, call)
  const facts = [
    ...(name === null ? [] : [name]),
    `HTTP ${status}`,
    ...codes.map((code) => `code ${code}`),
  ]
  const words = scrub(sentence, null)
  return new StreamError(
    `${boundLeads[kind](call.purpose)} (${facts.join(', ')})${words === '' ? '.' : `: ${words}`}`,
    {
      kind,
      mayHaveHappened: kind === 'unavailable' && call.changes,
      status,
      codes,
      retryAfterSeconds: null,
    },
  )
}

/** The error for a call that took too long; what becomes of it is not known. */
export function late({ purpose, changes, timeoutMs }: BoundCall): StreamError {
  return broken(`Stream could not ${purpose}: it did not answer within ${timeoutMs} ms.`, changes)
}

/** The error for a success whose content is of no use. */
export function unusableAnswer({ purpose, changes }: BoundCall, what: string): StreamError {
  return broken(`Stream could not ${purpose}: its answer ${what}.`, changes)
}

function lost(error: unknown, { purpose, changes }: BoundCall): StreamError {
  const trail = nameCauses(error).join(', ') || 'no reason given'
  // Names alone, and not the error itself: its message may quote a one-time URL.
  return broken(
    `Stream could not ${purpose}: the call of the Workers binding failed (${trail}).`,
    changes,
    new Error(trail),
  )
}

function broken(message: string, mayHaveHappened: boolean, cause?: Error): StreamError {
  return new StreamError(
    message,
    { kind: 'unavailable', mayHaveHappened, status: null, codes: [], retryAfterSeconds: null },
    cause === undefined ? undefined : { cause },
  )
}

/** The same words as for REST, except that there is no token to be refused. */
const boundLeads: typeof leads = {
  ...leads,
  unauthorized: (purpose) => `Stream would not ${purpose}: it does not let this Worker do so`,
}
