/**
 * The state machine of uploads: applies an observation to an upload. Mutations, webhooks and synchronization
 * all use it, so repeated, late, reordered and lost webhooks lead to the same state.
 */
import type { StreamVideo } from '../ports/stream-api.ts'
import { type Settings, observedSettings, settingsOf } from './observed-settings.ts'
import { valuesEqual, shallowEqual } from './shallow-equal.ts'
import {
  type ObservedStatus,
  type Upload,
  type UploadEventSource,
  type UploadFailure,
  type UploadStatus,
  type Video,
  uploadStatuses,
} from '../upload.ts'

/** Code of a failure for which Stream gave no reason. */
const UNKNOWN_FAILURE = 'ERR_UNKNOWN'

/** An observation, with its source and time. */
export type Observation = {
  readonly source: UploadEventSource
  readonly at: Date
} & (
  | { readonly kind: 'video'; readonly video: StreamVideo }
  | { readonly kind: 'offset'; readonly receivedBytes: number }
  /** A poll found that Stream does not know the video; a later poll can override it. */
  | { readonly kind: 'not-found' }
  /** Stream confirmed a deletion through the gateway; final. */
  | { readonly kind: 'deleted' }
)

/**
 * The allowed transitions. A status only moves forward, with one exception: a video that Stream knows again
 * leaves DELETED for the observed status or a later one. EXPIRED can be followed by another status because
 * Stream's later report wins, and so can ERROR if the video plays after all.
 */
export const allowedTransitions: Readonly<Record<UploadStatus, readonly UploadStatus[]>> = {
  PENDING_UPLOAD: ['UPLOADING', 'EXPIRED', 'QUEUED', 'IN_PROGRESS', 'ERROR', 'READY', 'DELETED'],
  UPLOADING: ['EXPIRED', 'QUEUED', 'IN_PROGRESS', 'ERROR', 'READY', 'DELETED'],
  EXPIRED: ['QUEUED', 'IN_PROGRESS', 'ERROR', 'READY', 'DELETED'],
  QUEUED: ['IN_PROGRESS', 'ERROR', 'READY', 'DELETED'],
  IN_PROGRESS: ['ERROR', 'READY', 'DELETED'],
  ERROR: ['READY', 'DELETED'],
  READY: ['DELETED'],
  DELETED: ['PENDING_UPLOAD', 'UPLOADING', 'EXPIRED', 'QUEUED', 'IN_PROGRESS', 'ERROR', 'READY'],
}

/** Whether Stream has received the complete file in this status; false for DELETED. */
export function isReceived(status: UploadStatus): boolean {
  return rank(status) >= rank('QUEUED') && status !== 'DELETED'
}

/**
 * Returns the next version of the upload, or null if the observation changes nothing. Pure.
 *
 * Whether Stream knows the video follows from its latest poll. Everything else is a join: each field keeps
 * the greatest value ever observed, in an order that depends on the value alone. So webhooks, offsets and
 * deletions lead to the same state in any order, any number of times, and at any time between polls. Settings
 * follow from the latest response to the gateway, by Stream's clock.
 */
export function applyObservation(upload: Upload, observation: Observation): Upload | null {
  const seenStatus = nextStatus(upload.seenStatus, impliedStatus(upload, observation))
  const goneAt = goneAfter(upload.goneAt, observation)
  const deletedAt =
    observation.kind === 'deleted' ? earlier(upload.deletedAt, observation.at) : upload.deletedAt
  const presence = { seenStatus, goneAt, deletedAt }
  const settings = settingsAfter(upload, observation)
  const next: Upload = {
    ...upload,
    ...observedFacts(upload, observation, presence),
    ...settings,
    ...presence,
    status: statusOf(settings.expiresAt, presence),
  }
  if (sameState(upload, next)) return null
  return { ...next, version: upload.version + 1, updatedAt: observation.at }
}

/** A webhook may be late, so that only responses to the gateway change settings. */
function settingsAfter(upload: Upload, observation: Observation): Settings {
  return observation.kind === 'video' && observation.source !== 'WEBHOOK'
    ? observedSettings(upload, observation.video, observation.source === 'MUTATION')
    : settingsOf(upload)
}

/** The inputs of `status`: the observed status, and whether the video exists. */
type Presence = Pick<Upload, 'seenStatus' | 'goneAt' | 'deletedAt'>

function statusOf(expiresAt: Date, { seenStatus, goneAt, deletedAt }: Presence): UploadStatus {
  if (deletedAt !== null) return 'DELETED'
  if (goneAt === null) return seenStatus
  // Stream may delete an unused URL after its expiry; if it is gone earlier, it was deleted there.
  return !isReceived(seenStatus) && goneAt >= expiresAt ? 'EXPIRED' : 'DELETED'
}

function rank(status: UploadStatus): number {
  return uploadStatuses.indexOf(status)
}

/** Returns the further of both statuses, by the allowed transitions. */
function nextStatus(current: ObservedStatus, implied: ObservedStatus | null): ObservedStatus {
  return implied !== null && allowedTransitions[current].includes(implied) ? implied : current
}

/**
 * Returns since when Stream does not know the video. Only a response to the gateway proves that Stream knows
 * it: a webhook may be late, for a video that is deleted by now.
 */
function goneAfter(goneAt: Date | null, observation: Observation): Date | null {
  if (observation.kind === 'not-found') return earlier(goneAt, observation.at)
  return observation.kind === 'video' && observation.source !== 'WEBHOOK' ? null : goneAt
}

/** Returns the status that the observation alone implies; null for none. */
function impliedStatus(upload: Upload, observation: Observation): ObservedStatus | null {
  switch (observation.kind) {
    case 'deleted':
      return null
    case 'not-found':
      return observation.at >= upload.expiresAt ? 'EXPIRED' : null
    case 'offset':
      return observation.receivedBytes > 0 ? 'UPLOADING' : null
    case 'video':
      return statusOfVideo(upload, observation.video, observation.at)
  }
}

function statusOfVideo(upload: Upload, video: StreamVideo, at: Date): ObservedStatus | null {
  switch (video.state) {
    // An error wins over readyToStream: Stream has sent both in one webhook.
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

/** The later of the requested and the reported expiry: only that decides when a URL expires. */
function deadline(upload: Upload, video: StreamVideo): Date {
  const declaredExpiry = video.uploadExpiresAt
  return declaredExpiry !== null && declaredExpiry > upload.expiresAt
    ? declaredExpiry
    : upload.expiresAt
}

type ObservedFields = Pick<Upload, 'progress' | 'failure' | 'video' | 'describedAt'>

function observedFacts(
  upload: Upload,
  observation: Observation,
  presence: Presence,
): ObservedFields {
  const { progress, video, describedAt } = upload
  // A later status clears the failure, and so does a deletion. A video that Stream does not know keeps
  // it, because it may reappear with it.
  const isFailed = presence.seenStatus === 'ERROR' && presence.deletedAt === null
  const failure = isFailed ? upload.failure : null
  if (observation.kind === 'offset') {
    const receivedBytes = larger(progress.receivedBytes, observation.receivedBytes)
    return { progress: { ...progress, receivedBytes }, failure, video, describedAt }
  }
  if (observation.kind !== 'video') return { progress, failure, video, describedAt }

  const observed = observation.video
  const received = statusOfVideo(upload, observed, observation.at)
  if (received === null || !isReceived(received)) return { progress, failure, video, describedAt }
  // A tus upload declares its size; Stream reports that of a basic one.
  const totalBytes =
    upload.protocol === 'TUS'
      ? progress.totalBytes
      : larger(progress.totalBytes, observed.sizeBytes)
  return {
    progress: {
      totalBytes,
      receivedBytes: larger(progress.receivedBytes, totalBytes),
      encodingPercent: larger(
        progress.encodingPercent,
        received === 'QUEUED' ? null : observed.encodingPercent,
      ),
    },
    failure: isFailed && received === 'ERROR' ? moreSpecific(failure, observed.failure) : failure,
    ...moreComplete(
      { video, describedAt },
      { video: videoFrom(observed), describedAt: observed.modifiedAt },
    ),
  }
}

function videoFrom(observed: StreamVideo): Video {
  return {
    durationSeconds: observed.durationSeconds,
    width: observed.width,
    height: observed.height,
    sizeBytes: observed.sizeBytes,
    hlsURL: observed.hlsURL,
    dashURL: observed.dashURL,
    thumbnailURL: observed.thumbnailURL,
    previewURL: observed.previewURL,
    readyAt: observed.readyAt,
  }
}

type Description = Pick<Upload, 'video' | 'describedAt'>

/**
 * Returns the more complete description. Ties go to the later by Stream's clock, then to the greater JSON
 * text, so that the order of arrival never decides. Stream's clock may not advance between two.
 */
function moreComplete(known: Description, observed: Description): Description {
  const more = completeness(observed) - completeness(known)
  if (more !== 0) return more > 0 ? observed : known
  const later = (observed.describedAt?.getTime() ?? 0) - (known.describedAt?.getTime() ?? 0)
  if (later !== 0) return later > 0 ? observed : known
  // Most descriptions are repeats.
  if (
    valuesEqual(observed.describedAt, known.describedAt) &&
    shallowEqual(observed.video, known.video)
  ) {
    return known
  }
  return JSON.stringify(observed) > JSON.stringify(known) ? observed : known
}

/** Number of known fields; -1 without a video, so that an empty description still counts more. */
function completeness({ video }: Description): number {
  return video === null ? -1 : Object.values(video).filter((value) => value !== null).length
}

/** Returns the failure that names its reason; of two such, the greater JSON text. */
function moreSpecific(a: UploadFailure | null, b: UploadFailure | null): UploadFailure | null {
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

/** Equal in everything that clients see or later decisions depend on. */
function sameState(a: Upload, b: Upload): boolean {
  return (
    a.status === b.status &&
    a.seenStatus === b.seenStatus &&
    shallowEqual(a.progress, b.progress) &&
    shallowEqual(a.failure, b.failure) &&
    shallowEqual(a.video, b.video) &&
    valuesEqual(a.describedAt, b.describedAt) &&
    a.name === b.name &&
    a.meta === b.meta &&
    a.constraints === b.constraints &&
    valuesEqual(a.expiresAt, b.expiresAt) &&
    valuesEqual(a.settingsAt, b.settingsAt) &&
    valuesEqual(a.goneAt, b.goneAt) &&
    valuesEqual(a.deletedAt, b.deletedAt)
  )
}
