/** An upload as the gateway returns it: selection, type guard and type come from one shape. */
import { type TypeOf, flag, json, list, nullable, number, object, oneOf, text } from '../shape.ts'

/** Transfer protocol: one multipart POST (up to 200 MB), or tus (resumable, up to 30 GB). */
export type UploadProtocol = 'BASIC' | 'TUS'

/**
 * Status of an upload. It only moves forward, except for a DELETED that Stream corrects. READY,
 * ERROR, EXPIRED and DELETED are terminal and complete a subscription.
 */
export type UploadStatus = TypeOf<typeof uploadStatus>

const uploadStatus = oneOf([
  'PENDING_UPLOAD',
  'UPLOADING',
  'QUEUED',
  'IN_PROGRESS',
  'READY',
  'ERROR',
  'EXPIRED',
  'DELETED',
])

const video = object({
  /** Null until Stream has inspected the file. */
  durationSeconds: nullable(number),
  /** Pixels. */
  width: nullable(number),
  /** Pixels. */
  height: nullable(number),
  sizeBytes: nullable(number),
  /** HLS manifest for players; null if the video is private. */
  hlsURL: nullable(text),
  /** DASH manifest for players; null if the video is private. */
  dashURL: nullable(text),
  /** Still image; null if the video is private. */
  thumbnailURL: nullable(text),
  /** Web page that plays the video; null if the video is private. */
  previewURL: nullable(text),
  /** RFC 3339. */
  readyAt: nullable(text),
})

const uploadFields = {
  /** Globally unique: the cache key of a GraphQL client. */
  id: text,
  /** Stream's identifier of the video: 32 hex digits. */
  uid: text,
  protocol: oneOf(['BASIC', 'TUS']),
  status: uploadStatus,
  /** Incremented by each recorded change. */
  version: number,
  /** Expiry of the upload URL. All times are RFC 3339. */
  expiresAt: text,
  createdAt: text,
  updatedAt: text,
  /** JWT subject of the caller that minted it. */
  creator: nullable(text),
  name: nullable(text),
  meta: json,
  constraints: object({
    maxDurationSeconds: number,
    maxSizeBytes: number,
    /** Hosts that may play the video; empty for any host. */
    allowedOrigins: list(text),
    requireSignedURLs: flag,
    /** Null for never. */
    scheduledDeletion: nullable(text),
  }),
  progress: object({
    totalBytes: nullable(number),
    receivedBytes: nullable(number),
    /** 0 to 100; null before the encoding starts. */
    encodingPercent: nullable(number),
  }),
  /** Reason of an ERROR: Stream's code, such as ERR_NON_VIDEO, and its message. */
  failure: nullable(object({ code: text, message: text })),
  /** Null until Stream has received the file. */
  video: nullable(video),
}

/**
 * All public fields of an upload. It excludes `uploadURL`, a secret while it can be used, because
 * callers may log what `onProgress` receives.
 */
export const uploadShape = object(uploadFields)

/**
 * All fields and the upload URL, which is null unless it can be used. One query returns both: with
 * two queries, the status could be older than the URL.
 */
export const uploadWithURL = object({ ...uploadFields, uploadURL: nullable(text) })

/** An upload and its video. */
export type Upload = TypeOf<typeof uploadShape>

/** Whether Stream still expects bytes, as far as the gateway knows. */
export function isAwaitingBytes({ status }: Upload): boolean {
  return status === 'PENDING_UPLOAD' || status === 'UPLOADING'
}
