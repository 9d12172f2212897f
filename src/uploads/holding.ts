/** How much of the account's storage an upload holds, in seconds. */
import type { Holdings } from './ports/upload-store.ts'
import type { Upload } from './upload.ts'

/**
 * The whole reservation is held until Stream has processed the file; then its true duration counts,
 * rounded up to the second. Error, lapse and deletion release everything.
 * https://developers.cloudflare.com/stream/uploading-videos/direct-creator-uploads/ (billing)
 */
export function holdingOf(upload: Upload): Holdings {
  switch (upload.status) {
    case 'PENDING_UPLOAD':
    case 'UPLOADING':
    case 'QUEUED':
    case 'IN_PROGRESS':
      return { reservedSeconds: upload.constraints.maxDurationSeconds, storedSeconds: 0 }
    case 'READY':
      return { reservedSeconds: 0, storedSeconds: Math.ceil(upload.video?.durationSeconds ?? 0) }
    case 'ERROR':
    case 'EXPIRED':
    case 'DELETED':
      return { reservedSeconds: 0, storedSeconds: 0 }
  }
}
