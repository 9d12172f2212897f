/**
 * A video of the emulator, and its state. The state is a pure function of stored fields and the
 * current time, so that restarts and clock changes need no further updates.
 */
import type { MediaInfo } from '../media/media-info.ts'
import type { Meta } from './meta.ts'
import type { Watermark } from './watermark.ts'

/** Protocol of the one-time upload URL. */
export type UploadKind = 'basic' | 'tus'

/** A stored video. Times are milliseconds since 1970 unless the name contains another unit. */
export interface Video {
  /** 32 hex digits. */
  readonly uid: string
  readonly kind: UploadKind
  /** Last path segment of the upload URL: the uid for basic, a random id for tus. */
  readonly uploadId: string
  readonly creator: string | null
  readonly meta: Meta
  readonly allowedOrigins: readonly string[]
  readonly requireSignedURLs: boolean
  readonly scheduledDeletion: number | null
  /** 0 to 1. */
  readonly thumbnailTimestampPct: number
  readonly publicDetails: Meta
  /** Maximum duration, and the reservation until processing ends. */
  readonly maxDurationSeconds: number
  readonly uploadExpiry: number
  /** Upload-Length of a tus upload in bytes; null for a basic one. */
  readonly uploadLength: number | null
  /** The client's unchanged Upload-Metadata header; null without one. */
  readonly uploadMetadata: string | null
  /** Unique per account, so that it serves as a list cursor. */
  readonly createdMicroseconds: number
  /** Time of creation or of the last update by the API. */
  readonly changedAt: number
  /** Time when the last byte was received; null before. */
  readonly receivedAt: number | null
  /** Time when processing ends; null before the file is received. */
  readonly finishesAt: number | null
  /** Size of the received file in bytes; null before it is received. */
  readonly sizeBytes: number | null
  /** Media info of the file; null until it is read. */
  readonly media: MediaInfo | null
  /** Its profile as it was at the creation; null without one. */
  readonly watermark: Watermark | null
}

/** Values of `status.state` that direct uploads reach. */
export const VIDEO_STATES = ['pendingupload', 'queued', 'inprogress', 'ready', 'error'] as const
export type VideoState = (typeof VIDEO_STATES)[number]

/** State of a video and percentage of encoding, 0 to 100. */
export interface Progress {
  readonly state: VideoState
  readonly percent: number
}

/** Share of the processing time for which a video is `queued`. */
const QUEUED_SHARE = 0.15

/** Final percentage of a failed video; Stream's error sample shows "39". */
const FAILURE_PERCENT = 39

/** Returns the video's progress at `now`. */
export function progressAt(video: Video, now: number): Progress {
  const { receivedAt, finishesAt, media } = video
  if (receivedAt === null || finishesAt === null) return { state: 'pendingupload', percent: 0 }
  const failing = media !== null && media.failure !== null
  const finalPercent = failing ? FAILURE_PERCENT : 100
  if (media !== null && now >= finishesAt) {
    return { state: failing ? 'error' : 'ready', percent: finalPercent }
  }
  // Without media info (after a restart) the video stays just below its final percentage.
  const share = Math.min((now - receivedAt) / Math.max(finishesAt - receivedAt, 1), 0.999)
  if (share < QUEUED_SHARE) return { state: 'queued', percent: 0 }
  return {
    state: 'inprogress',
    percent: (finalPercent * (share - QUEUED_SHARE)) / (1 - QUEUED_SHARE),
  }
}

/** Returns true when the upload URL has expired before the file was completely received. */
export function hasExpired(video: Video, now: number): boolean {
  return video.receivedAt === null && now >= video.uploadExpiry
}

/**
 * Returns the seconds that the video reserves: `maxDurationSeconds` until processing ends, 0 after
 * that or when the unused upload URL has expired.
 * https://developers.cloudflare.com/stream/pricing/
 */
export function reservedSeconds(video: Video, now: number): number {
  const { state } = progressAt(video, now)
  if (state === 'ready' || state === 'error' || hasExpired(video, now)) return 0
  return video.maxDurationSeconds
}

/** Returns the stored seconds: the duration of a ready video, rounded up to the second; else 0. */
export function storedSeconds(video: Video, now: number): number {
  if (progressAt(video, now).state !== 'ready') return 0
  return Math.ceil(video.media?.durationSeconds ?? 0)
}
