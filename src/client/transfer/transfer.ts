/** Types of one file transfer, and the meaning of Stream's status codes. */
import type { UploadTarget } from '../gateway/mint-upload.ts'
import { type RetryPolicy, isTemporaryStatus } from '../retry.ts'
import type { SourceFile } from '../sources/source-file.ts'
import { uploadError } from '../upload-error.ts'

/** One file and its destination. */
export interface Transfer {
  readonly file: SourceFile
  readonly destination: UploadTarget
  /** Bytes per tus chunk, if the caller set them. */
  readonly chunkSizeBytes: number | undefined
  readonly signal: AbortSignal
  readonly budget: TransferBudget
  /** Receives the number of file bytes sent so far. */
  readonly onSent: (sentBytes: number) => void
}

/** Bytes that tus requests of one `upload()` call may still send: at first, twice the file. */
export interface TransferBudget {
  remainingBytes: number
}

/** `rejected`: the URL rejected the bytes with this status; the gateway knows the reason. */
export type TransferResult =
  | { readonly kind: 'sent' }
  | { readonly kind: 'rejected'; readonly status: number }

/** Fetch, clock and retry limit. */
export interface TransferDependencies extends RetryPolicy {
  readonly fetch: typeof globalThis.fetch
}

export function isSuccess(status: number): boolean {
  return status >= 200 && status < 300
}

/** @throws UploadError for statuses after which the same URL is still usable, and for 413 */
export function resultOfError(status: number): TransferResult {
  if (status === 413) {
    throw uploadError('The file exceeds the limit of this upload URL.', {
      code: 'STREAM_REJECTED',
      retryable: false,
    })
  }
  if (isTemporaryStatus(status) || status === 423) {
    throw streamError(`Cloudflare Stream responded with status ${status} during the transfer.`)
  }
  return { kind: 'rejected', status }
}

/** An error after which the same URL is still usable. */
export function streamError(message: string) {
  return uploadError(message, { code: 'STREAM_UNAVAILABLE', retryable: true })
}
