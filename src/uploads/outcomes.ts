/**
 * Outcomes that a caller can act on, as plain values: never thrown, and named as GraphQL shows them.
 * Anything else that goes wrong is a surprise, and is thrown.
 */
import { MAX_BASIC_BYTES } from './policy.ts'
import { MOST_SUBSCRIPTIONS } from './watch/watch-registry.ts'

/** One thing that is wrong with an input. */
export interface InputIssue {
  /** Path into the input, such as `["allowedOrigins", "0"]`. */
  readonly path: readonly string[]
  /** What would be right, in the units of the field. */
  readonly message: string
}

/** Nothing was created; every issue is listed. */
export interface InvalidInput {
  readonly kind: 'InvalidInputError'
  readonly code: 'INVALID_INPUT'
  readonly message: string
  readonly issues: readonly InputIssue[]
}

/** The reservation does not fit in the account's or the caller's storage. Minutes. */
export interface QuotaExceeded {
  readonly kind: 'QuotaExceededError'
  readonly code: 'QUOTA_EXCEEDED'
  readonly message: string
  readonly requestedMinutes: number
  /** Null where Stream refused and did not say what is left. */
  readonly availableMinutes: number | null
}

/** Too many requests, by the caller or by the gateway at Stream. */
export interface RateLimited {
  readonly kind: 'RateLimitedError'
  readonly code: 'RATE_LIMITED'
  readonly message: string
  readonly retryAfterSeconds: number
}

/** The caller may not do this. */
export interface Forbidden {
  readonly kind: 'ForbiddenError'
  readonly code: 'FORBIDDEN'
  readonly message: string
}

/** No such upload, or not the caller's: the two look the same. */
export interface UploadNotFound {
  readonly kind: 'UploadNotFoundError'
  readonly code: 'UPLOAD_NOT_FOUND'
  readonly message: string
  readonly uid: string
}

/** The idempotency key was used before with another input. */
export interface IdempotencyConflict {
  readonly kind: 'IdempotencyConflictError'
  readonly code: 'IDEMPOTENCY_CONFLICT'
  readonly message: string
}

/**
 * Stream refused, or the gateway's way to it has no such call (STREAM_REJECTED); or it could not be
 * reached (STREAM_UNAVAILABLE).
 */
export interface StreamFailed {
  readonly kind: 'StreamError'
  readonly code: 'STREAM_UNAVAILABLE' | 'STREAM_REJECTED'
  readonly message: string
  readonly retryable: boolean
}

export function invalidInput(issues: readonly InputIssue[]): InvalidInput {
  const sentences = issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`)
  return { kind: 'InvalidInputError', code: 'INVALID_INPUT', message: sentences.join(' '), issues }
}

export function forbidden(message: string): Forbidden {
  return { kind: 'ForbiddenError', code: 'FORBIDDEN', message }
}

export function uploadNotFound(uid: string): UploadNotFound {
  return {
    kind: 'UploadNotFoundError',
    code: 'UPLOAD_NOT_FOUND',
    message: 'There is no such upload, or it is not yours.',
    uid,
  }
}

export function rateLimited(message: string, retryAfterSeconds: number): RateLimited {
  return {
    kind: 'RateLimitedError',
    code: 'RATE_LIMITED',
    message,
    retryAfterSeconds: Math.max(1, Math.ceil(retryAfterSeconds)),
  }
}

export function tooManySubscriptions(): RateLimited {
  return rateLimited(
    `One caller may have ${MOST_SUBSCRIPTIONS} subscriptions open: end some that are not needed.`,
    10,
  )
}

/** @param sizeBytes of the file, which decides what would be right */
export function noTusUploads(sizeBytes: number): StreamFailed {
  const right =
    sizeBytes > MAX_BASIC_BYTES
      ? 'a file over 200 MB needs a gateway with an API token of Cloudflare, or has to be made smaller'
      : 'this file is at most 200 MB, so mint its URL with `createDirectUpload`'
  return {
    kind: 'StreamError',
    code: 'STREAM_REJECTED',
    message: `This gateway reaches Cloudflare Stream in a way that has no tus uploads: ${right}.`,
    retryable: false,
  }
}

export function idempotencyConflict(): IdempotencyConflict {
  return {
    kind: 'IdempotencyConflictError',
    code: 'IDEMPOTENCY_CONFLICT',
    message:
      'This idempotencyKey was used with another input in the last 24 hours. Use a new key for a new upload.',
  }
}
