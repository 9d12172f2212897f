/**
 * The one transition function: what a piece of evidence makes of an upload. Mutations, webhooks and
 * synchronisation all go through it, so that repeated, late, reordered and lost notices end in the
 * same state.
 */
import type { StreamVideo } from '../stream/backend.ts'
import {
  type Upload,
  type UploadEventSource,
  type UploadStatus,
  type Video,
  uploadStatuses,
} from './upload.ts'

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
 * Pure: the same evidence in any order ends in the same state.
 */
export function applyEvidence(upload: Upload, evidence: Evidence): Upload | null {
  const gone = evidence.kind === 'absent' || evidence.kind === 'deleted'
  const goneAt = upload.goneAt ?? (gone ? evidence.at : null)
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
  const { progress, failure, video, describedAt } = upload
  if (evidence.kind === 'offset') {
    const receivedBytes = larger(progress.receivedBytes, evidence.receivedBytes)
    return { progress: { ...progress, receivedBytes }, failure, video, describedAt }
  }
  if (evidence.kind !== 'described') return { progress, failure, video, describedAt }

  const seen = evidence.video
  // Stream's own clock orders its descriptions; an older one only fills what is still unknown.
  const newer = (seen.modifiedAt?.getTime() ?? 0) >= (describedAt?.getTime() ?? 0)
  const received = statusDescribed(upload, seen, evidence.at)
  const arrived = received !== null && isReceived(received)
  const totalBytes = progress.totalBytes ?? (arrived ? seen.sizeBytes : null)
  return {
    progress: {
      totalBytes,
      receivedBytes: arrived ? larger(progress.receivedBytes, totalBytes) : progress.receivedBytes,
      encodingPercent: arrived
        ? larger(progress.encodingPercent, received === 'QUEUED' ? null : seen.encodingPercent)
        : progress.encodingPercent,
    },
    failure: status === 'ERROR' ? pick(newer, seen.failure, failure) : null,
    video: arrived ? mergeVideo(video, videoSeen(seen), newer) : video,
    describedAt: newer ? (seen.modifiedAt ?? describedAt) : describedAt,
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

function mergeVideo(known: Video | null, seen: Video, newer: boolean): Video {
  if (known === null) return seen
  return {
    durationSeconds: pick(newer, seen.durationSeconds, known.durationSeconds),
    width: pick(newer, seen.width, known.width),
    height: pick(newer, seen.height, known.height),
    sizeBytes: pick(newer, seen.sizeBytes, known.sizeBytes),
    hlsURL: pick(newer, seen.hlsURL, known.hlsURL),
    dashURL: pick(newer, seen.dashURL, known.dashURL),
    thumbnailURL: pick(newer, seen.thumbnailURL, known.thumbnailURL),
    previewURL: pick(newer, seen.previewURL, known.previewURL),
    readyAt: pick(newer, seen.readyAt, known.readyAt),
  }
}

/** What was seen where it is newer, what is known where it is older; either where one is null. */
function pick<T>(newer: boolean, seen: T | null, known: T | null): T | null {
  return newer ? (seen ?? known) : (known ?? seen)
}

function larger(a: number | null, b: number | null): number | null {
  if (a === null) return b
  return b === null ? a : Math.max(a, b)
}

/** Equal in everything that a reader could see or a later decision could turn on. */
function sameState(a: Upload, b: Upload): boolean {
  return a.status === b.status && fingerprint(a) === fingerprint(b)
}

function fingerprint({ progress, failure, video, describedAt, goneAt }: Upload): string {
  return JSON.stringify([progress, failure, video, describedAt, goneAt])
}
