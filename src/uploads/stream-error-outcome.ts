/** Maps StreamError to the outcome that the client receives. */
import type { StreamError } from './ports/stream-error.ts'
import { type QuotaExceeded, type RateLimited, type StreamFailed, rateLimited } from './outcomes.ts'

/** Used without Retry-After. Stream blocks an account for five minutes once it exceeds its rate limit. */
const DEFAULT_RETRY_AFTER_SECONDS = 60

/** For calls that reserve nothing, such as a deletion. */
export function outcomeOfStreamError(error: StreamError): RateLimited | StreamFailed {
  switch (error.kind) {
    case 'rate-limited':
      return rateLimited(
        'The request limit of Cloudflare Stream is reached.',
        error.retryAfterSeconds ?? DEFAULT_RETRY_AFTER_SECONDS,
      )
    case 'unavailable':
      return {
        kind: 'StreamError',
        code: 'STREAM_UNAVAILABLE',
        message: 'Cloudflare Stream did not respond. Retry.',
        retryable: true,
      }
    case 'unauthorized':
      return {
        kind: 'StreamError',
        code: 'STREAM_REJECTED',
        message: "Cloudflare Stream rejects the gateway's account or token.",
        retryable: false,
      }
    case 'quota':
    case 'invalid':
      return {
        kind: 'StreamError',
        code: 'STREAM_REJECTED',
        message: error.message,
        retryable: false,
      }
  }
}

/** For creations: an exhausted storage quota is reported in minutes. */
export function outcomeOfMintError(
  error: StreamError,
  requestedSeconds: number,
): QuotaExceeded | RateLimited | StreamFailed {
  if (error.kind !== 'quota') return outcomeOfStreamError(error)
  return {
    kind: 'QuotaExceededError',
    code: 'QUOTA_EXCEEDED',
    message: "The account's free storage at Cloudflare Stream is too small for this reservation.",
    requestedMinutes: requestedSeconds / 60,
    availableMinutes: null,
  }
}
