/** Turns an answer that is no success into a StreamError that is fit to be logged and shown. */
import type { Complaint, Envelope } from './envelope.ts'
import { StreamError, type StreamErrorKind } from '../../uploads/ports/stream-error.ts'
import { readRetryAfter } from './retry-after.ts'
import type { StreamAnswer, StreamRequest } from './transport.ts'

// "Storage capacity exceeded", seen with 413 on live accounts.
const storageExceeded = 10011
// "Authentication error", and "Invalid request headers": the latter is a 400, and what a token of
// the wrong form is answered with. https://github.com/jeessy2/ddns-go/issues/916
const notAuthenticated = new Set([10000, 6003])
const longestSentence = 200

/** What is at hand when an answer has to be refused. */
export interface RefusalFacts {
  readonly request: StreamRequest
  readonly answer: StreamAnswer
  /** Null where the answer was not Cloudflare's JSON. */
  readonly envelope: Envelope | null
  /** Never to be seen in a message, wherever it may be quoted. */
  readonly apiToken: string
  readonly now: Date
}

/** The error for an answer other than the hoped-for one. */
export function refusal(facts: RefusalFacts): StreamError {
  const { request, answer, envelope } = facts
  const errors = envelope?.errors ?? []
  const codes = [...new Set(errors.flatMap(({ code }) => code ?? []))]
  const kind = kindOf(answer.status, codes, envelope !== null)
  const sentence = quoteFirst([...(envelope?.messages ?? []), ...errors], facts.apiToken)
  const code = codes[0] === undefined ? '' : `, code ${codes[0]}`
  return new StreamError(
    `${leads[kind](request.purpose)} (HTTP ${answer.status}${code})${sentence}`,
    {
      kind,
      // Words that make sense say that nothing was done; anything less leaves it open.
      mayHaveHappened: kind === 'unavailable' && request.changes,
      status: answer.status,
      codes,
      retryAfterSeconds: readRetryAfter(answer.headers, facts.now),
    },
  )
}

/** The error for a success whose content is of no use: done, it seems, but what came of it? */
export function unusable(request: StreamRequest, answer: StreamAnswer, what: string): StreamError {
  return new StreamError(`Stream could not ${request.purpose}: its answer ${what}.`, {
    kind: 'unavailable',
    mayHaveHappened: request.changes,
    status: answer.status,
    codes: [],
    retryAfterSeconds: null,
  })
}

/** One call's purpose, told by what went wrong. */
export const leads: Readonly<Record<StreamErrorKind, (purpose: string) => string>> = {
  unavailable: (purpose) => `Stream could not ${purpose}: no usable answer`,
  'rate-limited': (purpose) => `Stream would not ${purpose}: too many requests or encodings`,
  quota: (purpose) => `Stream would not ${purpose}: the account's storage is spent`,
  invalid: (purpose) => `Stream would not ${purpose}: it refused the request`,
  unauthorized: (purpose) =>
    `Stream would not ${purpose}: it does not accept the API token for this account`,
}

/**
 * What an answer that is no success comes to. A 200 may carry success: false, so that the status
 * alone does not tell; the codes that tell quota and authentication are believed at any status.
 */
export function kindOf(
  status: number,
  codes: readonly number[],
  isCloudflare: boolean,
): StreamErrorKind {
  if (status === 413 || codes.includes(storageExceeded)) return 'quota'
  if (status === 401 || status === 403 || codes.some((code) => notAuthenticated.has(code)))
    return 'unauthorized'
  if (status === 429) return 'rate-limited'
  // 408 and 425 ask for the same request again later, and so does a proxy's page of a 404.
  if (status === 408 || status === 425) return 'unavailable'
  if (status === 404 && !isCloudflare) return 'unavailable'
  return status >= 400 && status < 500 ? 'invalid' : 'unavailable'
}

function quoteFirst(complaints: readonly Complaint[], apiToken: string): string {
  for (const { message } of complaints) {
    const sentence = scrub(message ?? '', apiToken)
    if (sentence !== '') return `: ${sentence}`
  }
  return '.'
}

/**
 * Somebody else's sentence, without anything that could be a secret: the token, whatever follows
 * "Bearer", addresses (one-time URLs among them) and long runs of letters and digits. Cut to 200
 * characters only afterwards, since half a token is no longer recognised.
 * @param apiToken null where there is none, as with the binding
 */
export function scrub(sentence: string, apiToken: string | null): string {
  const words = (apiToken === null ? sentence : sentence.replaceAll(apiToken, '[hidden]'))
    .replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\s]+/gu, ' ')
    .replaceAll(/\bbearer [^ ]+/gi, '[hidden]')
    .trim()
    .split(' ')
    .map((word) => (isSecretive(word) ? '[hidden]' : word))
  const scrubbed = words.join(' ')
  return scrubbed.length > longestSentence
    ? `${scrubbed.slice(0, longestSentence - 1).replace(/[\uD800-\uDBFF]$/, '')}…`
    : scrubbed
}

// A long run counts when it has a digit in it, which tokens and uids always have, and codes such as
// ERR_DURATION_EXCEED_CONSTRAINT do not.
function isSecretive(word: string): boolean {
  const runs = word.match(/[0-9a-zA-Z_+/=-]{24,}/g) ?? []
  return (
    word.includes('://') ||
    /videodelivery\.net|cloudflarestream\.com|cloudflare\.com/i.test(word) ||
    runs.some((run) => /\d/.test(run))
  )
}
