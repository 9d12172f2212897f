/**
 * The one transition function: what a piece of evidence makes of an upload. Mutations, webhooks and
 * synchronisation all go through it, so that repeated, late, reordered and lost notices end in the
 * same state.
 */
import type { StreamVideo } from '../stream/backend.ts'
import { sameFact, sameFacts } from './same-facts.ts'
import {
  type Upload,
  type UploadEventSource,
  type UploadFailure,
  type UploadStatus,
  type Video,
  uploadStatuses,
} from './upload.ts'

/** Stream's code for a failure without a reason. */
const UNKNOWN_FAILURE = 'ERR_UNKNOWN'

/** What somebody saw, and when. */
export type Evidence = {
  readonly source: UploadEventSource
  readonly at: Date
} & (
  | { readonly kind: 'described'; readonly video: StreamVideo }
  | { readonly kind: 'offset'; readonly receivedBytes: number }
  /** Stream was asked and does not know the video (any more). */
  | { readonly kind: 'absent' }
  /** Stream confirmed a deletion that was asked for through the gateway. */
  | { readonly kind: 'deleted' }
)

/**
 * The legal moves. A status only moves forward; EXPIRED can be overtaken, because Stream's later
 * word (it was received after all) wins, and so can ERROR by a video that plays after all.
 */
export const legalMoves: Readonly<Record<UploadStatus, readonly UploadStatus[]>> = {
  PENDING_UPLOAD: ['UPLOADING', 'EXPIRED', 'QUEUED', 'IN_PROGRESS', 'ERROR', 'READY', 'DELETED'],
  UPLOADING: ['EXPIRED', 'QUEUED', 'IN_PROGRESS', 'ERROR', 'READY', 'DELETED'],
  EXPIRED: ['QUEUED', 'IN_PROGRESS', 'ERROR', 'READY', 'DELETED'],
  QUEUED: ['IN_PROGRESS', 'ERROR', 'READY', 'DELETED'],
  IN_PROGRESS: ['ERROR', 'READY', 'DELETED'],
  ERROR: ['READY', 'DELETED'],
  READY: ['DELETED'],
  DELETED: [],
}

/** Whether the file has arrived whole at Stream in this status, or had when it was deleted. */
export function isReceived(status: UploadStatus): boolean {
  return rank(status) >= rank('QUEUED') && status !== 'DELETED'
}

/**
 * The upload as the evidence leaves it, one version on; null where the evidence says nothing new.
 * Pure, and a join: each fact keeps the greatest of all that was ever seen of it, by an order that
 * can be read off the fact itself, so that the same evidence in any order ends in the same state.
 */
export function applyEvidence(upload: Upload, evidence: Evidence): Upload | null {
  const gone = evidence.kind === 'absent' || evidence.kind === 'deleted'
  const goneAt = gone ? earlier(upload.goneAt, evidence.at) : upload.goneAt
  const status = furthest(upload.status, statusSeen({ ...upload, goneAt }, evidence))
  const facts = factsSeen(upload, evidence, status)
  const next: Upload = { ...upload, ...facts, status, goneAt }
  if (sameState(upload, next)) return null
  return { ...next, version: upload.version + 1, updatedAt: evidence.at }
}

function rank(status: UploadStatus): number {
  return uploadStatuses.indexOf(status)
}

/** The further of two, by the table of legal moves. */
function furthest(current: UploadStatus, seen: UploadStatus | null): UploadStatus {
  return seen !== null && legalMoves[current].includes(seen) ? seen : current
}

/** The status that the evidence alone would give; null where it names none. */
function statusSeen(upload: Upload, evidence: Evidence): UploadStatus | null {
  switch (evidence.kind) {
    case 'deleted':
      return 'DELETED'
    case 'absent':
      // Stream may drop a link that lapsed unused; one that it dropped earlier was deleted there.
      return !isReceived(upload.status) && evidence.at >= upload.expiresAt ? 'EXPIRED' : 'DELETED'
    case 'offset':
      return evidence.receivedBytes > 0 ? 'UPLOADING' : null
    case 'described': {
      const seen = statusDescribed(upload, evidence.video, evidence.at)
      // A late notice about a video that is gone by now: it had been received, and was deleted.
      return upload.goneAt !== null && seen !== null && isReceived(seen) ? 'DELETED' : seen
    }
  }
}

function statusDescribed(upload: Upload, video: StreamVideo, at: Date): UploadStatus | null {
  switch (video.state) {
    // An error wins over readyToStream: Stream has sent both in one notice.
    case 'error':
      return 'ERROR'
    case 'ready':
      return 'READY'
    case 'inprogress':
      return video.readyToStream ? 'READY' : 'IN_PROGRESS'
    case 'queued':
    case 'downloading':
      return video.readyToStream ? 'READY' : 'QUEUED'
    case 'pendingupload':
      return at >= deadline(upload, video) ? 'EXPIRED' : null
    case 'live-inprogress':
    case 'unknown':
      return video.readyToStream ? 'READY' : null
  }
}

/** The later of what we asked for and what Stream says: it alone decides when a URL lapses. */
function deadline(upload: Upload, video: StreamVideo): Date {
  const told = video.uploadExpiresAt
  return told !== null && told > upload.expiresAt ? told : upload.expiresAt
}

type Facts = Pick<Upload, 'progress' | 'failure' | 'video' | 'describedAt'>

function factsSeen(upload: Upload, evidence: Evidence, status: UploadStatus): Facts {
  const { progress, video, describedAt } = upload
  // Only an ERROR has a failure: whatever overtakes it, a deletion too, leaves it behind.
  const failure = status === 'ERROR' ? upload.failure : null
  if (evidence.kind === 'offset') {
    const receivedBytes = larger(progress.receivedBytes, evidence.receivedBytes)
    return { progress: { ...progress, receivedBytes }, failure, video, describedAt }
  }
  if (evidence.kind !== 'described') return { progress, failure, video, describedAt }

  const seen = evidence.video
  const received = statusDescribed(upload, seen, evidence.at)
  if (received === null || !isReceived(received)) return { progress, failure, video, describedAt }
  // A tus upload declared its size; of a basic one Stream says it.
  const totalBytes =
    upload.protocol === 'TUS' ? progress.totalBytes : larger(progress.totalBytes, seen.sizeBytes)
  return {
    progress: {
      totalBytes,
      receivedBytes: larger(progress.receivedBytes, totalBytes),
      encodingPercent: larger(
        progress.encodingPercent,
        received === 'QUEUED' ? null : seen.encodingPercent,
      ),
    },
    failure: status === 'ERROR' && received === 'ERROR' ? clearer(failure, seen.failure) : failure,
    ...fuller({ video, describedAt }, { video: videoSeen(seen), describedAt: seen.modifiedAt }),
  }
}

function videoSeen(seen: StreamVideo): Video {
  return {
    durationSeconds: seen.durationSeconds,
    width: seen.width,
    height: seen.height,
    sizeBytes: seen.sizeBytes,
    hlsURL: seen.hlsURL,
    dashURL: seen.dashURL,
    thumbnailURL: seen.thumbnailURL,
    previewURL: seen.previewURL,
    readyAt: seen.readyAt,
  }
}

type Description = Pick<Upload, 'video' | 'describedAt'>

/**
 * The description that says more; of equally full ones the later by Stream's own clock, which may
 * stand still between two; and then one by its letters, so that the order of arrival never decides.
 */
function fuller(known: Description, seen: Description): Description {
  const more = fullness(seen) - fullness(known)
  if (more !== 0) return more > 0 ? seen : known
  const later = (seen.describedAt?.getTime() ?? 0) - (known.describedAt?.getTime() ?? 0)
  if (later !== 0) return later > 0 ? seen : known
  // A repeat, as most are.
  if (sameFact(seen.describedAt, known.describedAt) && sameFacts(seen.video, known.video)) {
    return known
  }
  return JSON.stringify(seen) > JSON.stringify(known) ? seen : known
}

/** How many facts it tells; one that tells none is still more than no video at all. */
function fullness({ video }: Description): number {
  return video === null ? -1 : Object.values(video).filter((fact) => fact !== null).length
}

/** The failure that names its reason; of two that do, one by its letters. */
function clearer(a: UploadFailure | null, b: UploadFailure | null): UploadFailure | null {
  if (a === null || b === null) return a ?? b
  if ((a.code === UNKNOWN_FAILURE) !== (b.code === UNKNOWN_FAILURE)) {
    return a.code === UNKNOWN_FAILURE ? b : a
  }
  return JSON.stringify([a.code, a.message]) < JSON.stringify([b.code, b.message]) ? b : a
}

function earlier(a: Date | null, b: Date): Date {
  return a !== null && a <= b ? a : b
}

function larger(a: number | null, b: number | null): number | null {
  if (a === null) return b
  return b === null ? a : Math.max(a, b)
}

/** Equal in everything that a reader could see or a later decision could turn on. */
function sameState(a: Upload, b: Upload): boolean {
  return (
    a.status === b.status &&
    sameFacts(a.progress, b.progress) &&
    sameFacts(a.failure, b.failure) &&
    sameFacts(a.video, b.video) &&
    sameFact(a.describedAt, b.describedAt) &&
    sameFact(a.goneAt, b.goneAt)
  )
}
