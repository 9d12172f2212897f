/**
 * Cloudflare Stream as the gateway needs it, in the gateway's words. Every adapter (REST, the
 * Workers binding) reads Stream's own spellings at its border and speaks only these.
 */
import type { JsonObject } from '../../shared/json.ts'

/** What both kinds of one-time URL are minted with. Times are absolute, durations in seconds. */
export interface UploadOrder {
  /** Longest video that the URL accepts, 1 to 36000 seconds; Stream reserves it at once. */
  readonly maxDurationSeconds: number
  /** When the URL lapses: always sent, since Stream's own default is not certain. */
  readonly expiresAt: Date
  /** At most 64 characters; null where the upload belongs to nobody. */
  readonly creator: string | null
  /** What Stream keeps as the video's meta; `name` in it is what the dashboard shows. */
  readonly meta: JsonObject
  /** Hosts that may play the video; empty for any. */
  readonly allowedOrigins: readonly string[]
  readonly requireSignedURLs: boolean
  readonly scheduledDeletion: Date | null
  /** 0 to 1 of the duration; null leaves Stream's default. */
  readonly thumbnailTimestampPct: number | null
}

/** An order for a tus URL: the file's exact size in bytes must be known when it is minted. */
export interface TusOrder extends UploadOrder {
  readonly sizeBytes: number
}

/** What Stream answers when it mints: the URL is a secret of the upload's creator. */
export interface MintedVideo {
  /** 32 hex digits. */
  readonly uid: string
  /** One-time URL exactly as Stream sent it; never rebuilt, its host is not ours to know. */
  readonly uploadURL: string
}

/**
 * Stream's `status.state`. `unknown` stands for a state that this version has never heard of.
 * https://developers.cloudflare.com/api/resources/stream/methods/get/
 */
export type StreamState =
  | 'pendingupload'
  | 'downloading'
  | 'queued'
  | 'inprogress'
  | 'ready'
  | 'error'
  | 'live-inprogress'
  | 'unknown'

/** A video as Stream describes it. Null means that Stream did not say, or said "not known yet". */
export interface StreamVideo {
  readonly uid: string
  readonly state: StreamState
  /** 0 to 100 over the encoding. */
  readonly encodingPercent: number | null
  /** True as soon as one rendition plays; `state` may still be catching up. */
  readonly readyToStream: boolean
  readonly readyAt: Date | null
  /** Set when state is `error`. */
  readonly failure: { readonly code: string; readonly message: string } | null
  readonly sizeBytes: number | null
  readonly durationSeconds: number | null
  readonly width: number | null
  readonly height: number | null
  readonly hlsURL: string | null
  readonly dashURL: string | null
  readonly thumbnailURL: string | null
  readonly previewURL: string | null
  readonly creator: string | null
  readonly meta: JsonObject
  readonly maxDurationSeconds: number | null
  readonly createdAt: Date | null
  readonly modifiedAt: Date | null
  readonly uploadExpiresAt: Date | null
}

/** Which videos to list. All given conditions hold together. */
export interface VideoQuery {
  /**
   * Only these; many uploads are asked after with one call (REST: up to 200, more take several;
   * the binding: one for each that is not new). An empty list finds nothing.
   */
  readonly uids?: readonly string[]
  readonly creator?: string
  readonly state?: StreamState
  /** Created at or after. */
  readonly createdAfter?: Date
  /** Created before. */
  readonly createdBefore?: Date
  /** At most 1000, which is also the default. */
  readonly limit?: number
  /** Oldest first; newest first where left out. */
  readonly ascending?: boolean
}

/** One list call's answer. `total` counts all matches beyond the limit; null where not told. */
export interface VideoList {
  readonly videos: readonly StreamVideo[]
  readonly total: number | null
}

/** What may be changed afterwards; a pending upload's cap and deadline too. */
export interface VideoChange {
  readonly maxDurationSeconds?: number
  readonly expiresAt?: Date
  readonly creator?: string
  readonly meta?: JsonObject
  readonly allowedOrigins?: readonly string[]
  readonly requireSignedURLs?: boolean
  readonly scheduledDeletion?: Date | null
  readonly thumbnailTimestampPct?: number
}

/** The account's (or one creator's) storage in minutes, as Stream counts it. */
export interface StreamStorage {
  readonly storedMinutes: number
  /** Null where Stream names no limit. */
  readonly limitMinutes: number | null
  readonly videoCount: number
}

/** Stream's one webhook per account. `secret` signs the notices. */
export interface StreamWebhook {
  readonly notificationURL: string
  readonly secret: string
  readonly modifiedAt: Date | null
}

/** How far a tus upload has come, in bytes. */
export interface TusOffset {
  readonly receivedBytes: number
  readonly totalBytes: number | null
}

/** What one way to Stream can do. What it cannot is refused as `invalid`, before anything is sent. */
export interface StreamCapabilities {
  /** Whether it mints tus URLs, and reads their offsets. */
  readonly tusUploads: boolean
  /** Bytes of the largest file that its basic URLs take. */
  readonly maxBasicBytes: number
  /** Whether `updateVideo` can move a pending upload's deadline (`expiresAt`). */
  readonly deadlineChanges: boolean
  readonly storageUsage: boolean
  /** Whether it can look after the account's one webhook. */
  readonly webhook: boolean
}

/**
 * The port. Each call has its own time limit besides `signal`. Trouble is thrown as `StreamError`
 * (see errors.ts); what is merely absent is null.
 */
export interface StreamBackend {
  readonly name: 'rest' | 'binding'
  /** Asked before use, where there is another way or a better word. */
  readonly capabilities: StreamCapabilities

  /** Mints a URL for one multipart POST. Never retried here: a retry may mint a second one. */
  createDirectUpload(order: UploadOrder, signal?: AbortSignal): Promise<MintedVideo>
  /** Mints a tus URL. Never retried here. */
  createTusUpload(order: TusOrder, signal?: AbortSignal): Promise<MintedVideo>
  /** Null when Stream does not know the video (any more). */
  findVideo(uid: string, signal?: AbortSignal): Promise<StreamVideo | null>
  listVideos(query: VideoQuery, signal?: AbortSignal): Promise<VideoList>
  /** Null when Stream does not know the video. */
  updateVideo(uid: string, change: VideoChange, signal?: AbortSignal): Promise<StreamVideo | null>
  /** Deleting twice is the same as deleting once; false when there was nothing to delete. */
  deleteVideo(uid: string, signal?: AbortSignal): Promise<boolean>
  storageUsage(creator?: string, signal?: AbortSignal): Promise<StreamStorage>
  /**
   * Bytes that Stream holds of a tus upload, by HEAD on its one-time URL. Null when the URL is not
   * usable any more: any 4xx but 408, 425 and 429, which say nothing about the upload.
   */
  readTusOffset(uploadURL: string, signal?: AbortSignal): Promise<TusOffset | null>
  /** Null when the account has no webhook. */
  findWebhook(signal?: AbortSignal): Promise<StreamWebhook | null>
  /** Replaces the account's webhook; another URL means another secret. */
  setWebhook(notificationURL: string, signal?: AbortSignal): Promise<StreamWebhook>
  /** False when there was none. */
  deleteWebhook(signal?: AbortSignal): Promise<boolean>
}
