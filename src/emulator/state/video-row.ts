/** Maps between rows of table `videos` and `Video`. */
import { z } from 'zod'

import { mediaInfoSchema } from '../media/media-info.ts'
import { parseMeta } from './meta.ts'
import type { UploadKind, Video } from './video.ts'
import { watermarkSchema } from './watermark.ts'

/** One row of `videos`. */
export interface VideoRow {
  readonly uid: string
  readonly kind: UploadKind
  readonly upload_id: string
  readonly creator: string | null
  readonly meta: string
  readonly allowed_origins: string
  readonly require_signed_urls: number
  readonly scheduled_deletion: number | null
  readonly thumbnail_timestamp_pct: number
  readonly public_details: string
  readonly max_duration_seconds: number
  readonly upload_expiry: number
  readonly upload_length: number | null
  readonly upload_metadata: string | null
  readonly created_us: number
  readonly changed_at: number
  readonly received_at: number | null
  readonly finishes_at: number | null
  readonly size_bytes: number | null
  readonly media: string | null
  readonly watermark: string | null
}

const originsSchema = z.array(z.string())

export function rowToVideo(row: VideoRow): Video {
  return {
    uid: row.uid,
    kind: row.kind,
    uploadId: row.upload_id,
    creator: row.creator,
    meta: parseMeta(row.meta),
    allowedOrigins: originsSchema.parse(JSON.parse(row.allowed_origins)),
    requireSignedURLs: row.require_signed_urls === 1,
    scheduledDeletion: row.scheduled_deletion,
    thumbnailTimestampPct: row.thumbnail_timestamp_pct,
    publicDetails: parseMeta(row.public_details),
    maxDurationSeconds: row.max_duration_seconds,
    uploadExpiry: row.upload_expiry,
    uploadLength: row.upload_length,
    uploadMetadata: row.upload_metadata,
    createdMicroseconds: row.created_us,
    changedAt: row.changed_at,
    receivedAt: row.received_at,
    finishesAt: row.finishes_at,
    sizeBytes: row.size_bytes,
    media: row.media === null ? null : mediaInfoSchema.parse(JSON.parse(row.media)),
    watermark: row.watermark === null ? null : watermarkSchema.parse(JSON.parse(row.watermark)),
  }
}

export function videoToRow(video: Video): VideoRow {
  return {
    uid: video.uid,
    kind: video.kind,
    upload_id: video.uploadId,
    creator: video.creator,
    meta: JSON.stringify(video.meta),
    allowed_origins: JSON.stringify(video.allowedOrigins),
    require_signed_urls: video.requireSignedURLs ? 1 : 0,
    scheduled_deletion: video.scheduledDeletion,
    thumbnail_timestamp_pct: video.thumbnailTimestampPct,
    public_details: JSON.stringify(video.publicDetails),
    max_duration_seconds: video.maxDurationSeconds,
    upload_expiry: video.uploadExpiry,
    upload_length: video.uploadLength,
    upload_metadata: video.uploadMetadata,
    created_us: video.createdMicroseconds,
    changed_at: video.changedAt,
    received_at: video.receivedAt,
    finishes_at: video.finishesAt,
    size_bytes: video.sizeBytes,
    media: video.media === null ? null : JSON.stringify(video.media),
    watermark: video.watermark === null ? null : JSON.stringify(video.watermark),
  }
}
