/**
 * The one transition function: what a piece of evidence makes of an upload. Mutations, webhooks and
 * synchronisation all go through it, so that repeated, late, reordered and lost notices end in the
 * same state.
 */
import type { StreamVideo } from '../ports/stream-api.ts'
import { sameFact, sameFacts } from './shallow-equal.ts'
import {
  type SeenStatus,
  type Upload,
  type UploadEventSource,
  type UploadFailure,
  type UploadStatus,
  type Video,
  uploadStatuses,
} from '../upload.ts'

/** Stream's code for a failure without a reason. */
const UNKNOWN_FAILURE = 'ERR_UNKNOWN'

/** What somebody saw, and when. */
export type Evidence = {
  readonly source: UploadEventSource
  readonly at: Date
} & (
  | { readonly kind: 'described'; readonly video: StreamVideo }
  | { readonly kind: 'offset'; readonly receivedBytes: number }
  /** Stream was asked and does not know the video (any more): what it answers later overtakes it. */
  | { readonly kind: 'absent' }
  /** Stream confirmed a deletion that was asked for through the gateway: final. */
  | { readonly kind: 'deleted' }
)

/**
 * The legal moves. A status only moves forward, with one exception: DELETED because Stream did not know
 * the video is overtaken when Stream knows it again, by the status that was seen before or a further one.
 * EXPIRED can be overtaken, because Stream's later word (it was received after all) wins, and so can
 * ERROR by a video that plays after all.
 */
export const legalMoves: Readonly<Record<UploadStatus, readonly UploadStatus[]>> = {
  PENDING_UPLOAD: ['UPLOADING', 'EXPIRED', 'QUEUED', 'IN_PROGRESS', 'ERROR', 'READY', 'DELETED'],
  UPLOADING: ['EXPIRED', 'QUEUED', 'IN_PROGRESS', 'ERROR', 'READY', 'DELETED'],
  EXPIRED: ['QUEUED', 'IN_PROGRESS', 'ERROR', 'READY', 'DELETED'],
  QUEUED: ['IN_PROGRESS', 'ERROR', 'READY', 'DELETED'],
  IN_PROGRESS: ['ERROR', 'READY', 'DELETED'],
  ERROR: ['READY', 'DELETED'],
  READY: ['DELETED'],
  DELETED: ['PENDING_UPLOAD', 'UPLOADING', 'EXPIRED', 'QUEUED', 'IN_PROGRESS', 'ERROR', 'READY'],
}

/** Whether the file has arrived whole at Stream in this status, or had when it was deleted. */
export function isReceived(status: UploadStatus): boolean {
  return rank(status) >= rank('QUEUED') && status !== 'DELETED'
}

/**
 * The upload as the evidence leaves it, one version on; null where the evidence says nothing new. Pure.
 *
 * Whether Stream knows the video is what it answered last when it was asked. All else is a join: each
 * fact keeps the greatest of all that was ever seen of it, by an order that can be read off the fact
 * itself. So webhooks, offsets and deletions end in the same state in any order, however often they
 * are repeated, and wherever they come between Stream's answers.
 */
export function applyEvidence(upload: Upload, evidence: Evidence): Upload | null {
  const seenStatus = furthest(upload.seenStatus, statusShown(upload, evidence))
  const goneAt = goneAfter(upload.goneAt, evidence)
  const deletedAt =
    evidence.kind === 'deleted' ? earlier(upload.deletedAt, evidence.at) : upload.deletedAt
  const presence = { seenStatus, goneAt, deletedAt }
  const status = statusOf(upload.expiresAt, presence)
  const next: Upload = { ...upload, ...factsSeen(upload, evidence, presence), ...presence, status }
  if (sameState(upload, next)) return null
  return { ...next, version: upload.version + 1, updatedAt: evidence.at }
}

/** What decides the status: what was seen of the video, and whether it is there. */
type Presence = Pick<Upload, 'seenStatus' | 'goneAt' | 'deletedAt'>

function statusOf(expiresAt: Date, { seenStatus, goneAt, deletedAt }: Presence): UploadStatus {
  if (deletedAt !== null) return 'DELETED'
  if (goneAt === null) return seenStatus
  // Stream may drop a link that lapsed unused; one that it dropped earlier was deleted there.
  return !isReceived(seenStatus) && goneAt >= expiresAt ? 'EXPIRED' : 'DELETED'
}

function rank(status: UploadStatus): number {
  return uploadStatuses.indexOf(status)
}

/** The further of two, by the table of legal moves. */
function furthest(current: SeenStatus, shown: SeenStatus | null): SeenStatus {
  return shown !== null && legalMoves[current].includes(shown) ? shown : current
}

/**
 * Since when Stream does not know the video. Only an answer of Stream to a question says that it knows
 * it: a webhook may come late, about a video that is gone by now.
 */
function goneAfter(goneAt: Date | null, evidence: Evidence): Date | null {
  if (evidence.kind === 'absent') return earlier(goneAt, evidence.at)
  return evidence.kind === 'described' && evidence.source === 'SYNC' ? null : goneAt
}

/** The status that the evidence alone shows; null where it shows none. */
function statusShown(upload: Upload, evidence: Evidence): SeenStatus | null {
  switch (evidence.kind) {
    case 'deleted':
      return null
    case 'absent':
      return evidence.at >= upload.expiresAt ? 'EXPIRED' : null
    case 'offset':
      return evidence.receivedBytes > 0 ? 'UPLOADING' : null
    case 'described':
      return statusDescribed(upload, evidence.video, evidence.at)
  }
}

function statusDescribed(upload: Upload, video: StreamVideo, at: Date): SeenStatus | null {
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

function factsSeen(upload: Upload, evidence: Evidence, presence: Presence): Facts {
  const { progress, video, describedAt } = upload
  // What overtakes an ERROR, a deletion too, leaves its failure behind; a video that Stream does not
  // know at present may come back with it.
  const isFailed = presence.seenStatus === 'ERROR' && presence.deletedAt === null
  const failure = isFailed ? upload.failure : null
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
    failure: isFailed && received === 'ERROR' ? clearer(failure, seen.failure) : failure,
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
    a.seenStatus === b.seenStatus &&
    sameFacts(a.progress, b.progress) &&
    sameFacts(a.failure, b.failure) &&
    sameFacts(a.video, b.video) &&
    sameFact(a.describedAt, b.describedAt) &&
    sameFact(a.goneAt, b.goneAt) &&
    sameFact(a.deletedAt, b.deletedAt)
  )
}
