/** What is sent, where to, and how Stream's answers are understood. */
import type { Destination } from '../gateway/mint-upload.ts'
import type { Patience } from '../retry.ts'
import { uploadError } from '../upload-error.ts'

/** One file on its way. */
export interface Sending {
  readonly file: Blob
  readonly destination: Destination
  readonly signal: AbortSignal
  /** Told how many bytes of the file are up. */
  readonly onSent: (sentBytes: number) => void
}

/** All bytes are up; or the URL refused with this status, and what that means, the gateway knows. */
export type SendOutcome =
  | { readonly kind: 'sent' }
  | { readonly kind: 'refused'; readonly status: number }

/** What sending leans on. */
export interface SendParts extends Patience {
  readonly fetch: typeof globalThis.fetch
}

/** @throws UploadError where the same request may succeed later, or never will */
export function judgeStatus(status: number): SendOutcome {
  if (status >= 200 && status < 300) return { kind: 'sent' }
  if (status === 413) {
    throw uploadError('The file is larger than Cloudflare Stream takes at this URL.', {
      code: 'STREAM_REJECTED',
      retryable: false,
    })
  }
  if (status >= 500 || status === 408 || status === 423 || status === 429) {
    throw uploadError(`Cloudflare Stream answered ${status} while the file was sent.`, {
      code: 'STREAM_UNAVAILABLE',
      retryable: true,
    })
  }
  return { kind: 'refused', status }
}
