/** Types of one file transfer, and the meaning of Stream's status codes. */
import type { UploadTarget } from '../gateway/mint-upload.ts'
import type { RetryPolicy } from '../retry.ts'
import { uploadError } from '../upload-error.ts'

/** One file and its destination. */
export interface Transfer {
  readonly file: Blob
  readonly destination: UploadTarget
  readonly signal: AbortSignal
  /** Receives the number of file bytes sent so far. */
  readonly onSent: (sentBytes: number) => void
}

/** `rejected`: the URL rejected the bytes with this status; the gateway knows the reason. */
export type TransferResult =
  | { readonly kind: 'sent' }
  | { readonly kind: 'rejected'; readonly status: number }

/** Fetch, clock and retry limit. */
export interface TransferDependencies extends RetryPolicy {
  readonly fetch: typeof globalThis.fetch
}

/** @throws UploadError for statuses after which the same URL is still usable, and for 413 */
export function resultOfStatus(status: number): TransferResult {
  if (status >= 200 && status < 300) return { kind: 'sent' }
  if (status === 413) {
    throw uploadError('The file exceeds the limit of this upload URL.', {
      code: 'STREAM_REJECTED',
      retryable: false,
    })
  }
  if (status >= 500 || status === 408 || status === 423 || status === 429) {
    throw uploadError(`Cloudflare Stream responded with status ${status} during the transfer.`, {
      code: 'STREAM_UNAVAILABLE',
      retryable: true,
    })
  }
  return { kind: 'rejected', status }
}
