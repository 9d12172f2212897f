/** The upload entity: the gateway's record of a one-time URL and of the resulting video. */
import type { JsonObject } from '../shared/json.ts'

/** Upload protocol: one multipart POST (up to 200 MB) or tus (resumable, up to 30 GB). */
export const uploadProtocols = ['BASIC', 'TUS'] as const
export type UploadProtocol = (typeof uploadProtocols)[number]

/** All statuses in lifecycle order; for the allowed transitions see status/state-machine.ts. */
export const uploadStatuses = [
  'PENDING_UPLOAD',
  'UPLOADING',
  'EXPIRED',
  'QUEUED',
  'IN_PROGRESS',
  'ERROR',
  'READY',
  'DELETED',
] as const
export type UploadStatus = (typeof uploadStatuses)[number]

/** Statuses of a list whose filter names none. */
export const listedStatuses = uploadStatuses.filter((status) => status !== 'DELETED')

/** Status derived from observations of the video; DELETED means that there is no video. */
export type ObservedStatus = Exclude<UploadStatus, 'DELETED'>

/** Source of a change: a mutation through the gateway, a webhook, or synchronization. */
export const uploadEventSources = ['MUTATION', 'WEBHOOK', 'SYNC'] as const
export type UploadEventSource = (typeof uploadEventSources)[number]

/** One recorded status change. */
export interface UploadEvent {
  readonly status: UploadStatus
  readonly source: UploadEventSource
  readonly at: Date
}

/** Constraints that Stream enforces on the upload. */
export interface UploadConstraints {
  readonly maxDurationSeconds: number
  /** Bytes: 200 MB for a basic URL, the declared size for a tus URL. */
  readonly maxSizeBytes: number
  readonly allowedOrigins: readonly string[]
  readonly requireSignedURLs: boolean
  readonly scheduledDeletion: Date | null
}

/** Bytes and percent; null while unknown. */
export interface UploadProgress {
  readonly totalBytes: number | null
  readonly receivedBytes: number | null
  /** 0 to 100. */
  readonly encodingPercent: number | null
}

/** Why Stream rejected or could not encode the file. */
export interface UploadFailure {
  readonly code: string
  readonly message: string
}

/** The received video at Stream; values are null until Stream reports them. */
export interface Video {
  readonly durationSeconds: number | null
  readonly width: number | null
  readonly height: number | null
  readonly sizeBytes: number | null
  readonly hlsURL: string | null
  readonly dashURL: string | null
  readonly thumbnailURL: string | null
  readonly previewURL: string | null
  readonly readyAt: Date | null
}

/** Properties chosen at creation. Some can be changed later: see status/observed-settings.ts. */
export interface UploadSpec {
  /** The gateway's upload id; sent to Stream in the video's meta. */
  readonly id: string
  readonly protocol: UploadProtocol
  /** Subject of the caller, or the creator that an administrator named. */
  readonly creator: string
  readonly name: string | null
  /** As passed by the caller, without the gateway's reference. */
  readonly meta: JsonObject
  readonly constraints: UploadConstraints
  /** When the URL expires. */
  readonly expiresAt: Date
  readonly createdAt: Date
}

/** A minted upload, with a uid and a URL. */
export interface Upload extends UploadSpec {
  /** Stream's video id. */
  readonly uid: string
  /** One-time URL, a secret of the creator; clients get it only while `isUsable` holds. */
  readonly uploadURL: string
  readonly status: UploadStatus
  /** Increases by one with each recorded change. */
  readonly version: number
  readonly updatedAt: Date
  readonly progress: UploadProgress
  /** Set when status is ERROR. */
  readonly failure: UploadFailure | null
  /** Set once Stream has received the file. */
  readonly video: Video | null
  /** Stream's `modified` time of the description in `video`; null if not reported. */
  readonly describedAt: Date | null
  /**
   * Stream's `modified` time of a change to the name, the metadata, the constraints or the expiry after the
   * creation; null without one.
   */
  readonly settingsAt: Date | null
  /** When Stream was first found not to know the video; null while it does. */
  readonly goneAt: Date | null
  /** When Stream confirmed a deletion through the gateway, which makes DELETED final; else null. */
  readonly deletedAt: Date | null
  /**
   * The furthest observed status. Equals `status`, unless the video was deleted or Stream does not know it;
   * `status` returns to it when Stream knows a missing video again.
   */
  readonly seenStatus: ObservedStatus
}

/**
 * Returns the observed status of a database row. Rows store it only with status DELETED; old rows lack it,
 * so it is derived from the other columns.
 */
export function observedStatusIn(
  status: UploadStatus,
  stored: UploadStatus | null,
  received: boolean,
  receivedBytes: number | null,
): ObservedStatus {
  if (status !== 'DELETED') return status
  if (stored !== null && stored !== 'DELETED') return stored
  if (received) return 'QUEUED'
  return (receivedBytes ?? 0) > 0 ? 'UPLOADING' : 'PENDING_UPLOAD'
}

/** Whether the status is final for subscribers: a subscription completes here. */
export function isTerminal(status: UploadStatus): boolean {
  return status === 'READY' || status === 'ERROR' || status === 'EXPIRED' || status === 'DELETED'
}

/** Whether the URL can still receive bytes, as far as the gateway knows. */
export function isUsable(upload: Upload, now: Date): boolean {
  return (
    (upload.status === 'PENDING_UPLOAD' || upload.status === 'UPLOADING') &&
    now.getTime() < upload.expiresAt.getTime()
  )
}
