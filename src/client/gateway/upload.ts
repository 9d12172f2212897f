/** An upload as the gateway shows it: the type, the selection and the reader are this one statement. */
import { type Read, flag, json, list, nullable, number, object, oneOf, text } from '../shape.ts'

/** How the bytes travel: one multipart POST (up to 200 MB), or tus (resumable, up to 30 GB). */
export type UploadProtocol = 'BASIC' | 'TUS'

/**
 * What has become of an upload; it only moves forward, but for a DELETED that Stream corrects. READY, ERROR,
 * EXPIRED and DELETED end a subscription.
 */
export type UploadStatus = Read<typeof uploadStatus>

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
  /** Null until Stream has looked into the file. */
  durationSeconds: nullable(number),
  /** Pixels. */
  width: nullable(number),
  /** Pixels. */
  height: nullable(number),
  sizeBytes: nullable(number),
  /** HLS manifest for players. */
  hlsURL: nullable(text),
  /** DASH manifest for players. */
  dashURL: nullable(text),
  /** A still picture. */
  thumbnailURL: nullable(text),
  /** Where it can be watched. */
  previewURL: nullable(text),
  /** RFC 3339. */
  readyAt: nullable(text),
})

const uploadFields = {
  /** Unique over all types of the gateway: what a GraphQL client's cache keys by. */
  id: text,
  /** Stream's identifier of the video: 32 hex digits. */
  uid: text,
  protocol: oneOf(['BASIC', 'TUS']),
  status: uploadStatus,
  /** Grows by one with each recorded change. */
  version: number,
  /** When the upload URL lapses; RFC 3339, as all times here. */
  expiresAt: text,
  createdAt: text,
  updatedAt: text,
  /** Subject of the caller who minted it. */
  creator: nullable(text),
  name: nullable(text),
  meta: json,
  constraints: object({
    maxDurationSeconds: number,
    maxSizeBytes: number,
    /** Hosts that may play the video; empty for any. */
    allowedOrigins: list(text),
    requireSignedURLs: flag,
    /** Null for never. */
    scheduledDeletion: nullable(text),
  }),
  progress: object({
    totalBytes: nullable(number),
    receivedBytes: nullable(number),
    /** 0 to 100 over the encoding; null before it starts. */
    encodingPercent: nullable(number),
  }),
  /** Why it ended in ERROR: Stream's code, such as ERR_NON_VIDEO, and a sentence. */
  failure: nullable(object({ code: text, message: text })),
  /** Null until Stream has received the file. */
  video: nullable(video),
}

/**
 * All that a page shows of an upload. Not its `uploadURL`: that is a secret for as long as it can be
 * used, and what is handed to `onProgress` ends up in logs.
 */
export const uploadShape = object(uploadFields)

/**
 * The same with its one-time URL, which is null where it takes nothing (any more). One answer has
 * both: of two, the second might tell of a later status than the first.
 */
export const uploadWithURL = object({ ...uploadFields, uploadURL: nullable(text) })

/** One upload, and the video that came of it. */
export type Upload = Read<typeof uploadShape>

/** Whether nothing more is expected of it. */
export function isTerminal({ status }: Upload): boolean {
  return status === 'READY' || status === 'ERROR' || status === 'EXPIRED' || status === 'DELETED'
}

/** Whether Stream still waits for bytes of it, as far as the gateway knows. */
export function isAwaited({ status }: Upload): boolean {
  return status === 'PENDING_UPLOAD' || status === 'UPLOADING'
}
