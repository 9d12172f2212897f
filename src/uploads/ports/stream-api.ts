/**
 * Port to Cloudflare Stream, in the gateway's own types. The adapters (REST, Workers binding) translate
 * Stream's field names.
 */
import type { JsonObject } from '../../shared/json.ts'

/** Params of both kinds of one-time URL. Times are absolute, durations in seconds. */
export interface DirectUploadParams {
  /** Longest video that the URL accepts, 1 to 36000 seconds; Stream reserves it immediately. */
  readonly maxDurationSeconds: number
  /** When the URL expires. Always sent, because Stream's default is not documented reliably. */
  readonly expiresAt: Date
  /** At most 64 characters; null for an upload without a creator. */
  readonly creator: string | null
  /** Stored by Stream as the video's meta; the dashboard shows its `name`. */
  readonly meta: JsonObject
  /** Hosts that may play the video; empty allows any host. */
  readonly allowedOrigins: readonly string[]
  readonly requireSignedURLs: boolean
  readonly scheduledDeletion: Date | null
  /** Fraction of the duration, 0 to 1; null keeps Stream's default. */
  readonly thumbnailTimestampPct: number | null
  /** Uid of the watermark profile that Stream draws on the video; null for none. */
  readonly watermarkUid: string | null
}

/** Params of a tus URL: Stream needs the exact file size in bytes at creation. */
export interface TusUploadParams extends DirectUploadParams {
  readonly sizeBytes: number
}

/** Stream's response to a creation. The URL is a secret of the upload's creator. */
export interface MintedVideo {
  /** 32 hex digits. */
  readonly uid: string
  /** One-time URL exactly as Stream sent it. Never rebuilt: its host is not fixed. */
  readonly uploadURL: string
}

/**
 * Stream's `status.state`. `unknown` stands for any state that this version does not support.
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

/** A video as Stream describes it. Null means that Stream omitted the value or reported it as unknown. */
export interface StreamVideo {
  readonly uid: string
  readonly state: StreamState
  /** Encoding progress, 0 to 100. */
  readonly encodingPercent: number | null
  /** True as soon as one rendition plays; `state` may lag behind. */
  readonly readyToStream: boolean
  readonly readyAt: Date | null
  /** Set when `state` is `error`. */
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
  readonly allowedOrigins: readonly string[] | null
  readonly requireSignedURLs: boolean | null
  /** Null for never; undefined if Stream omitted it. */
  readonly scheduledDeletion: Date | null | undefined
  readonly createdAt: Date | null
  readonly modifiedAt: Date | null
  readonly uploadExpiresAt: Date | null
}

/** Filter for listing videos. All given conditions must hold. */
export interface VideoQuery {
  /**
   * Only these uids; an empty list matches nothing. REST sends one request per 200 uids, the binding one
   * request for each uid that is not new.
   */
  readonly uids?: readonly string[]
  readonly creator?: string
  readonly state?: StreamState
  /** Inclusive lower bound of the creation time. */
  readonly createdAfter?: Date
  /** Exclusive upper bound of the creation time. */
  readonly createdBefore?: Date
  /** At most 1000. @default 1000 */
  readonly limit?: number
  /** True for oldest first. @default false */
  readonly ascending?: boolean
}

/** One page of videos. `total` counts all matches, beyond the limit too; null if Stream omits it. */
export interface VideoList {
  readonly videos: readonly StreamVideo[]
  readonly total: number | null
}

/** Fields that can be changed later, also the duration limit and expiry of a pending upload. */
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

/** Properties of a playback token. */
export interface PlaybackTokenParams {
  readonly uid: string
  /** At most 24 hours ahead. */
  readonly expiresAt: Date
  /** Seconds from now until `expiresAt`. */
  readonly ttlSeconds: number
  /** Whether the token also allows downloads. */
  readonly downloadable: boolean
}

/** Storage of the account or of one creator, in minutes, as counted by Stream. */
export interface StreamStorage {
  readonly storedMinutes: number
  /** Null if Stream reports no limit. */
  readonly limitMinutes: number | null
  readonly videoCount: number
}

/** The account's only webhook subscription. Stream signs webhooks with `secret`. */
export interface StreamWebhook {
  readonly notificationURL: string
  readonly secret: string
  readonly modifiedAt: Date | null
}

/** Progress of a tus upload, in bytes. */
export interface TusOffset {
  readonly receivedBytes: number
  readonly totalBytes: number | null
}

/** What an adapter supports. Other calls throw a StreamError of kind `invalid` before any request. */
export interface StreamCapabilities {
  /** Whether the adapter mints tus URLs and reads their offsets. */
  readonly tusUploads: boolean
  /** Whether `updateVideo` can change a pending upload's expiry (`expiresAt`). */
  readonly deadlineChanges: boolean
  readonly storageUsage: boolean
  /** Whether the adapter can read and change the account's webhook. */
  readonly webhook: boolean
}

/**
 * The port. Each call has its own timeout in addition to `signal`. Failures are thrown as `StreamError`
 * (see stream-error.ts); a missing object is null.
 */
export interface StreamApi {
  readonly name: 'rest' | 'binding'
  /** Callers check this first where they have a fallback or a clearer error message. */
  readonly capabilities: StreamCapabilities

  /** Mints a URL for one multipart POST. Never retried here: a retry may mint a second URL. */
  createDirectUpload(params: DirectUploadParams, signal?: AbortSignal): Promise<MintedVideo>
  /** Mints a tus URL. Never retried here. */
  createTusUpload(params: TusUploadParams, signal?: AbortSignal): Promise<MintedVideo>
  /** Null if Stream does not know the video (any more). */
  findVideo(uid: string, signal?: AbortSignal): Promise<StreamVideo | null>
  listVideos(query: VideoQuery, signal?: AbortSignal): Promise<VideoList>
  /** Null if Stream does not know the video. */
  updateVideo(uid: string, change: VideoChange, signal?: AbortSignal): Promise<StreamVideo | null>
  /** Idempotent. Returns false if there was nothing to delete. */
  deleteVideo(uid: string, signal?: AbortSignal): Promise<boolean>
  /** Returns a signed token that plays the video. Null if Stream does not know the video. */
  createPlaybackToken(params: PlaybackTokenParams, signal?: AbortSignal): Promise<string | null>
  storageUsage(creator?: string, signal?: AbortSignal): Promise<StreamStorage>
  /**
   * Bytes that Stream has of a tus upload, by HEAD on its one-time URL. Null if the URL is no longer usable:
   * any 4xx except 408, 425 and 429, which say nothing about the upload.
   */
  readTusOffset(uploadURL: string, signal?: AbortSignal): Promise<TusOffset | null>
  /** Null if the account has no webhook. */
  findWebhook(signal?: AbortSignal): Promise<StreamWebhook | null>
  /** Replaces the account's webhook; another URL gets another secret. */
  setWebhook(notificationURL: string, signal?: AbortSignal): Promise<StreamWebhook>
  /** Returns false if there was none. */
  deleteWebhook(signal?: AbortSignal): Promise<boolean>
}
