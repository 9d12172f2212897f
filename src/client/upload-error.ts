/** What may go wrong, as data: one `code` for each thing that a caller would do something else about. */
import type { Read } from './shape.ts'
import type { inputIssues } from './gateway/operations.ts'

/** What an error tells beside its message, by its code. */
export type UploadProblem =
  /** The terms or options are wrong; nothing was minted, and every issue is listed. */
  | { readonly code: 'INVALID_INPUT'; readonly issues: Read<typeof inputIssues> }
  /** The reservation does not fit in the account's or the creator's storage. */
  | {
      readonly code: 'QUOTA_EXCEEDED'
      readonly requestedMinutes: number
      /** Null where Stream did not say. */
      readonly availableMinutes: number | null
    }
  /** Too many requests, and the wait is longer, or was needed more often, than the client waits. */
  | { readonly code: 'RATE_LIMITED'; readonly retryAfterSeconds: number }
  | { readonly code: 'FORBIDDEN' | 'IDEMPOTENCY_CONFLICT' }
  /** The token is missing, wrong or lapsed. */
  | { readonly code: 'UNAUTHENTICATED' }
  /** Stream could not be reached, or refused: the creation, the deletion, or the bytes. */
  | { readonly code: 'STREAM_UNAVAILABLE' | 'STREAM_REJECTED'; readonly retryable: boolean }
  /** No such upload, or not the caller's. */
  | { readonly code: 'UPLOAD_NOT_FOUND'; readonly uid: string }
  /** Stream has the file and makes no video of it. */
  | {
      readonly code: 'VIDEO_FAILED'
      readonly uid: string
      /** Stream's own code and sentence, such as ERR_NON_VIDEO or ERR_DURATION_EXCEED_CONSTRAINT. */
      readonly failure: { readonly code: string; readonly message: string }
    }
  /** The URL lapsed before the file was up, and so did the one that was minted instead. */
  | { readonly code: 'EXPIRED'; readonly uid: string }
  /** Deleted while it was under way: by `delete`, in another tab, or at Stream. */
  | { readonly code: 'DELETED'; readonly uid: string }
  /** The gateway or Stream's upload host was not reached, however often it was tried. */
  | { readonly code: 'NETWORK' }
  /** The gateway answered with something else than its contract says; `message` tells what. */
  | { readonly code: 'GATEWAY_FAILED'; readonly retryable: boolean }
  | { readonly code: 'FILE_TOO_LARGE'; readonly sizeBytes: number; readonly limitBytes: number }
  | { readonly code: 'EMPTY_FILE' }

/** Every `code`. */
export type UploadErrorCode = UploadProblem['code']

/**
 * What the client's promises reject with, but for the reason of an AbortSignal and what `token()`
 * throws. `switch (error.code)` narrows it to what that code tells.
 */
export type UploadError = Error & UploadProblem

class UploadFailed extends Error {
  override readonly name = 'UploadError'
}

/**
 * For `error instanceof UploadError`. An object and not the class, because TypeScript narrows to the
 * union of all codes by a guard only.
 * https://www.typescriptlang.org/docs/handbook/release-notes/typescript-5-3.html#instanceof-narrowing-through-symbolhasinstance
 */
export const UploadError = {
  [Symbol.hasInstance](value: unknown): value is UploadError {
    return value instanceof UploadFailed
  },
}

/** An error with this problem. The message never holds an upload URL. */
export function uploadError<Problem extends UploadProblem>(
  message: string,
  problem: Problem,
): Error & Problem {
  return Object.assign(new UploadFailed(message), problem)
}
