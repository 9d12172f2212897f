/**
 * A video at the emulated Stream: what is kept of it, and what follows from that and the time. The
 * state is a pure function of timestamps, so a restart or a jump of the clock changes nothing else.
 */
import type { MediaFacts } from '../media/media-info.ts'
import type { Meta } from './meta.ts'

/** Which kind of one-time URL was minted. */
export type UploadKind = 'basic' | 'tus'

/** One video as it is kept. Times are milliseconds since 1970 unless the name says otherwise. */
export interface Video {
  /** 32 hex digits. */
  readonly uid: string
  readonly kind: UploadKind
  /** The last part of the upload URL: the uid of a basic link, something else for tus. */
  readonly uploadId: string
  readonly creator: string | null
  readonly meta: Meta
  readonly allowedOrigins: readonly string[]
  readonly requireSignedURLs: boolean
  readonly scheduledDeletion: number | null
  /** 0 to 1. */
  readonly thumbnailTimestampPct: number
  readonly publicDetails: Meta
  /** The cap, and the reservation until processing ends. */
  readonly maxDurationSeconds: number
  readonly uploadExpiry: number
  /** Bytes that a tus upload announced; null for a basic one. */
  readonly uploadLength: number | null
  /** The client's Upload-Metadata header as it came; null where there was none. */
  readonly uploadMetadata: string | null
  /** Unique per account, so that a list can be stepped through by it. */
  readonly createdMicroseconds: number
  /** When somebody last updated the record. */
  readonly changedAt: number
  /** When the last byte was in; null before. */
  readonly receivedAt: number | null
  /** When processing ends; null before the file is received. */
  readonly finishesAt: number | null
  /** The received file's exact size; null before. */
  readonly sizeBytes: number | null
  /** What the file's bytes say; null until they are read. */
  readonly media: MediaFacts | null
}

/** `status.state` as far as direct uploads can reach it. */
export const VIDEO_STATES = ['pendingupload', 'queued', 'inprogress', 'ready', 'error'] as const
export type VideoState = (typeof VIDEO_STATES)[number]

/** Where a video stands: its state and how much of the encoding is done, 0 to 100. */
export interface Progress {
  readonly state: VideoState
  readonly percent: number
}

/** The part of the processing time that a video waits for an encoder. */
const QUEUED_SHARE = 0.15

/** A failing file stops here; Stream's own error sample shows "39". */
const FAILURE_PERCENT = 39

/** Where the video stands at `now`. */
export function progressAt(video: Video, now: number): Progress {
  const { receivedAt, finishesAt, media } = video
  if (receivedAt === null || finishesAt === null) return { state: 'pendingupload', percent: 0 }
  const failing = media !== null && media.failure !== null
  const goal = failing ? FAILURE_PERCENT : 100
  if (media !== null && now >= finishesAt) {
    return { state: failing ? 'error' : 'ready', percent: goal }
  }
  // Bytes that are not read yet (a restart in between) keep the video just short of its end.
  const share = Math.min((now - receivedAt) / Math.max(finishesAt - receivedAt, 1), 0.999)
  if (share < QUEUED_SHARE) return { state: 'queued', percent: 0 }
  return { state: 'inprogress', percent: (goal * (share - QUEUED_SHARE)) / (1 - QUEUED_SHARE) }
}

/** True once the link's time is over and nothing (or not everything) came. */
export function hasLapsed(video: Video, now: number): boolean {
  return video.receivedAt === null && now >= video.uploadExpiry
}

/**
 * Seconds that the video holds of the account's storage without being stored: all of its cap from
 * the minting until processing ends, nothing once the unused link has lapsed.
 * https://developers.cloudflare.com/stream/pricing/
 */
export function reservedSeconds(video: Video, now: number): number {
  const { state } = progressAt(video, now)
  if (state === 'ready' || state === 'error' || hasLapsed(video, now)) return 0
  return video.maxDurationSeconds
}

/** Seconds that count as stored: the true duration of a ready video, rounded up to the second. */
export function storedSeconds(video: Video, now: number): number {
  if (progressAt(video, now).state !== 'ready') return 0
  return Math.ceil(video.media?.durationSeconds ?? 0)
}
