/** When to ask Stream about an upload again: soon after a change, ever more rarely without one. */
import type { Upload } from '../upload.ts'

const SECOND_MS = 1000
const DAY_MS = 86_400_000
/** Past the deadline by this much, so that Stream has noticed too. */
const AFTER_DEADLINE_MS = 5 * SECOND_MS

/** First and longest pause between two questions while nothing changes, in milliseconds. */
interface Pace {
  readonly first: number
  readonly longest: number
}

// Stream sends no notice when bytes have arrived; a minute is what nobody watching can wait.
const PENDING: Pace = { first: 15 * SECOND_MS, longest: 30 * SECOND_MS }

/** Null where nothing more can come of it. */
function paceOf(upload: Upload): Pace | null {
  switch (upload.status) {
    case 'PENDING_UPLOAD':
    case 'UPLOADING':
      return PENDING
    case 'QUEUED':
    case 'IN_PROGRESS':
      return { first: 5 * SECOND_MS, longest: 30 * SECOND_MS }
    // Playable, and still getting better; later it may be deleted at Stream.
    case 'READY':
      return upload.progress.encodingPercent !== null && upload.progress.encodingPercent < 100
        ? { first: 15 * SECOND_MS, longest: DAY_MS }
        : { first: 3600 * SECOND_MS, longest: DAY_MS }
    // A URL that lapsed while bytes were on their way may still end in a video.
    case 'EXPIRED':
      return { first: 300 * SECOND_MS, longest: DAY_MS }
    // Stream did not know it; what Stream says later wins.
    case 'DELETED':
      return upload.deletedAt === null ? { first: 300 * SECOND_MS, longest: DAY_MS } : null
    case 'ERROR':
      return null
  }
}

/** Polls without news after which nothing more is expected: neither status is polled for ever. */
function mostIdleChecks({ status }: Upload): number {
  if (status === 'EXPIRED') return 4
  // Three days.
  return status === 'DELETED' ? 10 : Infinity
}

/** When to ask for the first time after the URL was minted. */
export function firstCheck(now: Date): Date {
  return new Date(now.getTime() + PENDING.first)
}

/** After so many questions without news; null for never again. Doubles up to the longest pause. */
export function nextCheck(upload: Upload, now: Date, idleChecks: number): Date | null {
  const pace = paceOf(upload)
  if (pace === null) return null
  if (idleChecks >= mostIdleChecks(upload)) return null
  const pause = Math.min(pace.longest, pace.first * 2 ** Math.min(idleChecks, 20))
  const at = now.getTime() + pause
  const deadline = upload.expiresAt.getTime() + AFTER_DEADLINE_MS
  const waits = upload.status === 'PENDING_UPLOAD' || upload.status === 'UPLOADING'
  return new Date(waits && now.getTime() < deadline ? Math.min(at, deadline) : at)
}
