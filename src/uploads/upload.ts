/** What an upload is: the gateway's record of one one-time URL and of the video that came of it. */
import type { JsonObject } from '../shared/json.ts'

/** How the bytes travel: one multipart POST (up to 200 MB) or tus (resumable, up to 30 GB). */
export const uploadProtocols = ['BASIC', 'TUS'] as const
export type UploadProtocol = (typeof uploadProtocols)[number]

/** Every status in the order of a life; which moves are legal stands in moves.ts. */
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

/** What Stream's answers alone can come to: DELETED is said of a video that it does not know. */
export type SeenStatus = Exclude<UploadStatus, 'DELETED'>

/** Who told us of a change: our own mutation, a webhook, or synchronisation. */
export const uploadEventSources = ['MUTATION', 'WEBHOOK', 'SYNC'] as const
export type UploadEventSource = (typeof uploadEventSources)[number]

/** One recorded change of status. */
export interface UploadEvent {
  readonly status: UploadStatus
  readonly source: UploadEventSource
  readonly at: Date
}

/** What Stream will hold the upload to. */
export interface UploadConstraints {
  readonly maxDurationSeconds: number
  /** Bytes: 200 MB for a basic URL, the declared size for a tus URL. */
  readonly maxSizeBytes: number
  readonly allowedOrigins: readonly string[]
  readonly requireSignedURLs: boolean
  readonly scheduledDeletion: Date | null
}

/** Bytes and percent; null where not known (yet). */
export interface UploadProgress {
  readonly totalBytes: number | null
  readonly receivedBytes: number | null
  /** 0 to 100. */
  readonly encodingPercent: number | null
}

/** Why Stream refused or could not encode the file. */
export interface UploadFailure {
  readonly code: string
  readonly message: string
}

/** What stands at Stream once the file was received; null where Stream has not said yet. */
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

/** What is decided when a URL is asked for, and never changes afterwards. */
export interface UploadTerms {
  /** The gateway's own reference; it travels to Stream in the video's meta. */
  readonly id: string
  readonly protocol: UploadProtocol
  /** Subject of the caller who minted it, or whom an administrator named. */
  readonly creator: string
  readonly name: string | null
  /** As the caller gave it; the gateway's reference is not in it. */
  readonly meta: JsonObject
  readonly constraints: UploadConstraints
  /** When the URL lapses. */
  readonly expiresAt: Date
  readonly createdAt: Date
}

/** An upload: minted at Stream, and so with a uid and a URL. */
export interface Upload extends UploadTerms {
  /** Stream's identifier of the video. */
  readonly uid: string
  /** The one-time URL, a secret of the creator; shown through `visibleUploadURL` only. */
  readonly uploadURL: string
  readonly status: UploadStatus
  /** Grows by one with each recorded change. */
  readonly version: number
  readonly updatedAt: Date
  readonly progress: UploadProgress
  /** Set when status is ERROR. */
  readonly failure: UploadFailure | null
  /** Set once Stream has received the file. */
  readonly video: Video | null
  /** Stream's `modified` of the description that `video` was taken from; null where not told. */
  readonly describedAt: Date | null
  /** When Stream was first found not to know the video; null while it does. */
  readonly goneAt: Date | null
  /** When a deletion through the gateway was confirmed: DELETED is final then. Else null. */
  readonly deletedAt: Date | null
  /**
   * The furthest status that descriptions and received bytes have shown. The same as `status`, except
   * while Stream does not know the video: it is what `status` returns to when Stream knows it again.
   */
  readonly seenStatus: SeenStatus
}

/**
 * The seen status of a record, which is noted where its status is DELETED only; from its facts where it
 * was not noted then.
 */
export function seenStatusIn(
  status: UploadStatus,
  noted: UploadStatus | null,
  received: boolean,
  receivedBytes: number | null,
): SeenStatus {
  if (status !== 'DELETED') return status
  if (noted !== null && noted !== 'DELETED') return noted
  if (received) return 'QUEUED'
  return (receivedBytes ?? 0) > 0 ? 'UPLOADING' : 'PENDING_UPLOAD'
}

/** Whether nothing more is expected of it: a subscription completes here. */
export function isTerminal(status: UploadStatus): boolean {
  return status === 'READY' || status === 'ERROR' || status === 'EXPIRED' || status === 'DELETED'
}

/** Whether its URL can still take bytes, as far as the gateway knows. */
export function isUsable(upload: Upload, now: Date): boolean {
  return (
    (upload.status === 'PENDING_UPLOAD' || upload.status === 'UPLOADING') &&
    now.getTime() < upload.expiresAt.getTime()
  )
}
