/** Errors of the client, with one `code` for each case that callers handle differently. */
import type { TypeOf } from './shape.ts'
import type { inputIssues } from './gateway/operations.ts'

/** Data of an error in addition to its message, by code. */
export type UploadErrorDetails =
  /** The settings or options are invalid. Nothing was minted; every issue is listed. */
  | { readonly code: 'INVALID_INPUT'; readonly issues: Issues }
  /** The reservation does not fit in the account's or the creator's storage. */
  | {
      readonly code: 'QUOTA_EXCEEDED'
      readonly requestedMinutes: number
      /** Null if Stream did not report it. */
      readonly availableMinutes: number | null
    }
  /** Too many requests: the wait exceeds 60 seconds, or all retries failed. */
  | { readonly code: 'RATE_LIMITED'; readonly retryAfterSeconds: number }
  | { readonly code: 'FORBIDDEN' | 'IDEMPOTENCY_CONFLICT' }
  /** The token is missing, invalid or expired. */
  | { readonly code: 'UNAUTHENTICATED' }
  /** Stream was unreachable, or rejected the creation, the deletion or the bytes. */
  | { readonly code: 'STREAM_UNAVAILABLE' | 'STREAM_REJECTED'; readonly retryable: boolean }
  /** The upload does not exist, or belongs to another creator. */
  | { readonly code: 'UPLOAD_NOT_FOUND'; readonly uid: string }
  /** Stream received the file but cannot process it. */
  | {
      readonly code: 'VIDEO_FAILED'
      readonly uid: string
      /** Stream's code and message, such as ERR_NON_VIDEO or ERR_DURATION_EXCEED_CONSTRAINT. */
      readonly failure: { readonly code: string; readonly message: string }
    }
  /** The URL and its replacement expired before Stream received the file. */
  | { readonly code: 'EXPIRED'; readonly uid: string }
  /** The upload was deleted while active: by `delete`, in another tab, or at Stream. */
  | { readonly code: 'DELETED'; readonly uid: string }
  /** The gateway or Stream's upload host was unreachable in every attempt. */
  | { readonly code: 'NETWORK' }
  /** The gateway's response does not match the schema; `message` contains the location. */
  | { readonly code: 'GATEWAY_FAILED'; readonly retryable: boolean }
  | { readonly code: 'FILE_TOO_LARGE'; readonly sizeBytes: number; readonly limitBytes: number }
  /** The video is longer than the caller may upload. Only an upload queue checks it before the first byte. */
  | {
      readonly code: 'VIDEO_TOO_LONG'
      readonly durationSeconds: number
      readonly limitSeconds: number
    }
  | { readonly code: 'EMPTY_FILE' }
  /** The file cannot be read, or its bytes are not those that it had at first. */
  | {
      readonly code: 'SOURCE_FAILED'
      readonly reason: 'CHANGED' | 'ENDED_EARLY' | 'TOO_LONG' | 'UNREADABLE'
    }
  /** A stream cannot be read again from this byte. `upload` with a new stream resumes. */
  | { readonly code: 'SOURCE_CONSUMED'; readonly offsetBytes: number }

/** Validation errors, by path. */
export type Issues = TypeOf<typeof inputIssues>

/** Every error code. */
export type UploadErrorCode = UploadErrorDetails['code']

/**
 * Rejection of the client's promises, except for an AbortSignal's reason and errors of `token()`.
 * `switch (error.code)` narrows it to the data of that code.
 */
export type UploadError = Error & UploadErrorDetails

class UploadFailed extends Error {
  override readonly name = 'UploadError'
}

/**
 * Supports `error instanceof UploadError`. It is an object and not a class, because TypeScript narrows to the
 * union of all codes only through a type guard.
 * https://www.typescriptlang.org/docs/handbook/release-notes/typescript-5-3.html#instanceof-narrowing-through-symbolhasinstance
 */
export const UploadError = {
  [Symbol.hasInstance](value: unknown): value is UploadError {
    return value instanceof UploadFailed
  },
}

/** Creates an error. The message must not contain an upload URL. */
export function uploadError<Details extends UploadErrorDetails>(
  message: string,
  details: Details,
): Error & Details {
  return Object.assign(new UploadFailed(message), details)
}

/** Creates the error of settings that the client rejects. */
export function invalidInput(issues: Issues) {
  const message = issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`).join(' ')
  return uploadError(message, { code: 'INVALID_INPUT', issues })
}

/** Returns an UploadError as it is. A gateway operation rejects with another error only if the option `token` has thrown it. */
export function toUploadError(error: unknown): UploadError {
  if (error instanceof UploadError) return error
  const message = `The function \`token\` of the client failed: ${String(error)}`
  return Object.assign(uploadError(message, { code: 'UNAUTHENTICATED' }), { cause: error })
}
