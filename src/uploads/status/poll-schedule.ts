/** When to poll Stream for an upload: soon after a change, then with exponential backoff. */
import type { Upload } from '../upload.ts'

const SECOND_MS = 1000
const DAY_MS = 86_400_000
/** Delay after the URL's expiry, in milliseconds, until Stream has processed it too. */
const AFTER_DEADLINE_MS = 5 * SECOND_MS

/** First and longest interval between polls without a change, in milliseconds. */
interface PollIntervals {
  readonly first: number
  readonly longest: number
}

// Stream sends no webhook when bytes arrive; unwatched uploads are seen within 30 seconds.
const PENDING: PollIntervals = { first: 15 * SECOND_MS, longest: 30 * SECOND_MS }

/** Null if no further change is expected. */
function pollIntervalsOf(upload: Upload): PollIntervals | null {
  switch (upload.status) {
    case 'PENDING_UPLOAD':
    case 'UPLOADING':
      return PENDING
    case 'QUEUED':
    case 'IN_PROGRESS':
      return { first: 5 * SECOND_MS, longest: 30 * SECOND_MS }
    // Playable while encoding continues; later it may be deleted at Stream.
    case 'READY':
      return upload.progress.encodingPercent !== null && upload.progress.encodingPercent < 100
        ? { first: 15 * SECOND_MS, longest: DAY_MS }
        : { first: 3600 * SECOND_MS, longest: DAY_MS }
    // An upload in progress at the expiry may still result in a video.
    case 'EXPIRED':
      return { first: 300 * SECOND_MS, longest: DAY_MS }
    // Stream did not know the video but may know it later.
    case 'DELETED':
      return upload.deletedAt === null ? { first: 300 * SECOND_MS, longest: DAY_MS } : null
    case 'ERROR':
      return null
  }
}

/** Number of polls without a change after which polling stops. */
function maxIdlePolls({ status }: Upload): number {
  if (status === 'EXPIRED') return 4
  // About three days.
  return status === 'DELETED' ? 10 : Infinity
}

/** First poll after the URL was minted. */
export function firstPollAt(now: Date): Date {
  return new Date(now.getTime() + PENDING.first)
}

/** Next poll after `idlePolls` polls without a change; null for never. Doubles up to the longest interval. */
export function nextPollAt(upload: Upload, now: Date, idlePolls: number): Date | null {
  const intervals = pollIntervalsOf(upload)
  if (intervals === null) return null
  if (idlePolls >= maxIdlePolls(upload)) return null
  const delay = Math.min(intervals.longest, intervals.first * 2 ** Math.min(idlePolls, 20))
  const at = now.getTime() + delay
  const deadline = upload.expiresAt.getTime() + AFTER_DEADLINE_MS
  const waits = upload.status === 'PENDING_UPLOAD' || upload.status === 'UPLOADING'
  return new Date(waits && now.getTime() < deadline ? Math.min(at, deadline) : at)
}
