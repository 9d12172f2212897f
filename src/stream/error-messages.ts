/** Error kinds and messages that both Stream adapters share. */
import type { StreamErrorKind } from '../uploads/ports/stream-error.ts'

// "Storage capacity exceeded", observed with 413 on live accounts.
export const STORAGE_EXCEEDED_CODE = 10011
// "Authentication error" and "Invalid request headers"; the latter is a 400 for malformed tokens.
// https://github.com/jeessy2/ddns-go/issues/916
export const AUTHENTICATION_CODES = new Set([10000, 6003])
export const MAX_MESSAGE_LENGTH = 200

/** Start of each message: the purpose of the call and the kind of error. */
export const MESSAGE_PREFIXES: Readonly<Record<StreamErrorKind, (purpose: string) => string>> = {
  unavailable: (purpose) => `Stream could not ${purpose}: no usable response`,
  'rate-limited': (purpose) => `Stream would not ${purpose}: too many requests or encodings`,
  quota: (purpose) => `Stream would not ${purpose}: the account's storage is used up`,
  invalid: (purpose) => `Stream would not ${purpose}: it rejected the request`,
  unauthorized: (purpose) =>
    `Stream would not ${purpose}: it rejects the API token for this account`,
}

/**
 * Returns the error kind of a response that is no success. The status alone is not enough, because a
 * 200 may have `success: false`. Codes for quota and authentication count at any status.
 */
export function errorKindOf(
  status: number,
  codes: readonly number[],
  isCloudflare: boolean,
): StreamErrorKind {
  if (status === 413 || codes.includes(STORAGE_EXCEEDED_CODE)) return 'quota'
  if (status === 401 || status === 403 || codes.some((code) => AUTHENTICATION_CODES.has(code)))
    return 'unauthorized'
  if (status === 429) return 'rate-limited'
  // 408 and 425 allow a retry of the same request, and so does a 404 page of a proxy.
  if (status === 408 || status === 425) return 'unavailable'
  if (status === 404 && !isCloudflare) return 'unavailable'
  return status >= 400 && status < 500 ? 'invalid' : 'unavailable'
}

/**
 * Removes possible secrets from a message of Cloudflare: the token, text after "Bearer", URLs (which
 * may be one-time URLs) and long runs of letters and digits. It is cut to 200 characters last, since
 * half a token would not be recognized.
 * @param apiToken null if there is none, as with the binding
 */
export function scrubMessage(message: string, apiToken: string | null): string {
  const words = (apiToken === null ? message : message.replaceAll(apiToken, '[hidden]'))
    .replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\s]+/gu, ' ')
    .replaceAll(/\bbearer [^ ]+/gi, '[hidden]')
    .trim()
    .split(' ')
    .map((word) => (mayBeSecret(word) ? '[hidden]' : word))
  const scrubbed = words.join(' ')
  return scrubbed.length > MAX_MESSAGE_LENGTH
    ? `${scrubbed.slice(0, MAX_MESSAGE_LENGTH - 1).replace(/[\uD800-\uDBFF]$/, '')}…`
    : scrubbed
}
// A long run counts only with a digit in it: tokens and uids always have one, and codes such as
// ERR_DURATION_EXCEED_CONSTRAINT do not.
function mayBeSecret(word: string): boolean {
  const runs = word.match(/[0-9a-zA-Z_+/=-]{24,}/g) ?? []
  return (
    word.includes('://') ||
    /videodelivery\.net|cloudflarestream\.com|cloudflare\.com/i.test(word) ||
    runs.some((run) => /\d/.test(run))
  )
}
