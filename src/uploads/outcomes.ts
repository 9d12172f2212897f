import { MAX_BASIC_BYTES } from './limits.ts'
import { MAX_SUBSCRIPTIONS_PER_CALLER } from './ports/watch-registry.ts'
import type { Upload } from './upload.ts'

/** One error in an input. */
export interface InputIssue {
  /** Path into the input, such as `["allowedOrigins", "0"]`. */
  readonly path: readonly string[]
  /** The rule that the value violates, in the units of the field. */
  readonly message: string
}

/** Validation failed and nothing was created; lists every issue. */
export interface InvalidInput {
  readonly kind: 'InvalidInputError'
  readonly code: 'INVALID_INPUT'
  readonly message: string
  readonly issues: readonly InputIssue[]
}

/** The reservation exceeds the account's storage or the creator's quota; values in minutes. */
export interface QuotaExceeded {
  readonly kind: 'QuotaExceededError'
  readonly code: 'QUOTA_EXCEEDED'
  readonly message: string
  readonly requestedMinutes: number
  /** Null if Stream rejected the request without the remaining amount. */
  readonly availableMinutes: number | null
}

/** Rate limit exceeded, by the caller or by the gateway at Stream. */
export interface RateLimited {
  readonly kind: 'RateLimitedError'
  readonly code: 'RATE_LIMITED'
  readonly message: string
  readonly retryAfterSeconds: number
}

/** The caller lacks the permission. */
export interface Forbidden {
  readonly kind: 'ForbiddenError'
  readonly code: 'FORBIDDEN'
  readonly message: string
}

/** The upload does not exist or belongs to another creator; both look the same. */
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
 * STREAM_REJECTED: Stream rejected the request, or the adapter does not support it. STREAM_UNAVAILABLE:
 * Stream is unreachable.
 */
export interface StreamFailed {
  readonly kind: 'StreamError'
  readonly code: 'STREAM_UNAVAILABLE' | 'STREAM_REJECTED'
  readonly message: string
  readonly retryable: boolean
}

/** Maximum issues of one outcome, besides the one that counts the others: `meta` may have hundreds of invalid keys. */
const MAX_ISSUES = 20

export function invalidInput(all: readonly InputIssue[]): InvalidInput {
  const more = all.slice(MAX_ISSUES)
  const issues = all.slice(0, MAX_ISSUES)
  const [next] = more
  if (next !== undefined)
    issues.push({ path: next.path.slice(0, 1), message: `and ${more.length} more issues.` })
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
    message: 'Upload not found, or it belongs to another creator.',
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
    `Too many open subscriptions (limit: ${MAX_SUBSCRIPTIONS_PER_CALLER} per caller). End some that are not needed.`,
    10,
  )
}

/** As many uploads were created with the caller's token as it allows. */
export function tokenUsedUp(maxUploads: number): Forbidden {
  const uploads = maxUploads === 1 ? '1 upload' : `${maxUploads} uploads`
  return forbidden(`This token may create ${uploads}, and has done so. Get a new token.`)
}

/** @param requestedSeconds that would be reserved in addition */
export function creatorQuotaExceeded(
  quotaSeconds: number,
  requestedSeconds: number,
  usedSeconds: number,
): QuotaExceeded {
  return {
    kind: 'QuotaExceededError',
    code: 'QUOTA_EXCEEDED',
    message: `Creator quota exceeded: ${quotaSeconds / 60} minutes, reserved and stored together.`,
    requestedMinutes: requestedSeconds / 60,
    availableMinutes: Math.max(0, quotaSeconds - usedSeconds) / 60,
  }
}

/** @param sizeBytes of the file, which decides the recommended fix */
export function tusUnsupported(sizeBytes: number): StreamFailed {
  const fix =
    sizeBytes > MAX_BASIC_BYTES
      ? 'Files over 200 MB need a gateway with a Cloudflare API token. Reduce the file size, or configure a token'
      : 'This file is at most 200 MB: use `createDirectUpload`'
  return {
    kind: 'StreamError',
    code: 'STREAM_REJECTED',
    message: `tus uploads are not available with the Workers binding. ${fix}.`,
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

export type CreateUploadOutcome =
  | Minted
  | InvalidInput
  | QuotaExceeded
  | RateLimited
  | Forbidden
  | IdempotencyConflict
  | StreamFailed

/** A URL was minted, now or by an earlier request with the same key. */
export interface Minted {
  readonly kind: 'Minted'
  readonly upload: Upload
  /** The one-time URL, a secret of the caller. */
  readonly uploadURL: string
}

/** The upload has another version than the caller expects. */
export interface Conflict {
  readonly kind: 'ConflictError'
  readonly code: 'CONFLICT'
  readonly message: string
  readonly currentVersion: number
}

export function conflict(currentVersion: number): Conflict {
  return {
    kind: 'ConflictError',
    code: 'CONFLICT',
    message: `The upload has version ${currentVersion} now. Read it again, and decide with its present state.`,
    currentVersion,
  }
}

/** Stream confirmed the change, and it is recorded. */
export interface Updated {
  readonly kind: 'Updated'
  readonly upload: Upload
}

export type UpdateUploadOutcome =
  | Updated
  | UploadNotFound
  | Conflict
  | Forbidden
  | InvalidInput
  | QuotaExceeded
  | RateLimited
  | StreamFailed

/** Stream confirmed the deletion, now or earlier. */
export interface Deleted {
  readonly kind: 'Deleted'
  readonly upload: Upload
}

export type DeleteUploadOutcome = Deleted | UploadNotFound | Forbidden | RateLimited | StreamFailed
