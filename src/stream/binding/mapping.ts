/** Between the gateway's words and those of the Workers binding, which differ from REST's. */
import type { JsonObject } from '../../shared/json.ts'
import type { MintedVideo, StreamVideo, UploadOrder, VideoChange } from '../../uploads/ports/stream-api.ts'
import type { Listed } from './list-videos.ts'
import type { BoundChange, BoundUploadParams } from './binding-types.ts'
import { fieldsOf, isFields } from '../json-fields.ts'
import { writeMoment, writeValue } from '../rest/upload-metadata.ts'
import { readMinted } from '../rest/response-body.ts'
import { readVideo } from '../read-video.ts'

/** What `createDirectUpload` is given. */
export function uploadParams(order: UploadOrder): BoundUploadParams {
  return {
    maxDurationSeconds: order.maxDurationSeconds,
    expiry: writeMoment(order.expiresAt),
    meta: textMeta(order.meta),
    allowedOrigins: [...order.allowedOrigins],
    requireSignedURLs: order.requireSignedURLs,
    ...(order.creator === null ? {} : { creator: order.creator }),
    ...(order.scheduledDeletion === null
      ? {}
      : { scheduledDeletion: writeMoment(order.scheduledDeletion) }),
    ...(order.thumbnailTimestampPct === null
      ? {}
      : { thumbnailTimestampPct: order.thumbnailTimestampPct }),
  }
}

/** What `update` is given: only what is to change. */
export function changeParams(change: Omit<VideoChange, 'expiresAt'>): BoundChange {
  const { maxDurationSeconds, creator, meta, allowedOrigins } = change
  const { requireSignedURLs, scheduledDeletion, thumbnailTimestampPct } = change
  return {
    ...(maxDurationSeconds === undefined ? {} : { maxDurationSeconds }),
    ...(creator === undefined ? {} : { creator }),
    ...(meta === undefined ? {} : { meta: textMeta(meta) }),
    ...(allowedOrigins === undefined ? {} : { allowedOrigins: [...allowedOrigins] }),
    ...(requireSignedURLs === undefined ? {} : { requireSignedURLs }),
    ...(scheduledDeletion === undefined
      ? {}
      : {
          scheduledDeletion: scheduledDeletion === null ? null : writeMoment(scheduledDeletion),
        }),
    ...(thumbnailTimestampPct === undefined ? {} : { thumbnailTimestampPct }),
  }
}

// The binding's meta holds text only. As with tus, other values go as JSON and come back as that
// text: our reference is text anyway, and an upload's meta is answered from our own records.
function textMeta(meta: JsonObject): Record<string, string> {
  return Object.fromEntries(Object.entries(meta).map(([key, value]) => [key, writeValue(value)]))
}

/** What `createDirectUpload` answers; null without a usable id and URL. */
export function readBoundMint(answer: unknown): MintedVideo | null {
  const { id, uploadURL } = fieldsOf(answer)
  return readMinted({ uid: id, uploadURL })
}

/**
 * A video as the binding tells it: `id` for `uid`, `hlsPlaybackUrl` and `dashPlaybackUrl` for
 * `playback`. Null when it names no usable id.
 */
export function readBoundVideo(answer: unknown): StreamVideo | null {
  if (!isFields(answer)) return null
  return readVideo({
    ...answer,
    uid: answer['id'],
    playback: { hls: answer['hlsPlaybackUrl'], dash: answer['dashPlaybackUrl'] },
    readyToStreamAt: momentText(answer['readyToStreamAt']),
    created: momentText(answer['created']),
    modified: momentText(answer['modified']),
    uploadExpiry: momentText(answer['uploadExpiry']),
  })
}

/** A video of a list; null as `readBoundVideo`. */
export function readListed(answer: unknown): Listed | null {
  const video = readBoundVideo(answer)
  if (video === null) return null
  const { created } = fieldsOf(answer)
  if (typeof created === 'string') return { video, created }
  // A Date has lost what is below its milliseconds: go on from behind them.
  const next = video.createdAt === null ? null : new Date(video.createdAt.getTime() + 1)
  return { video, created: next?.toISOString() ?? null }
}

// Text by its types; yet a moment that came over RPC can be a real Date, which JSON cannot.
function momentText(value: unknown): unknown {
  return value instanceof Date && !Number.isNaN(value.getTime()) ? value.toISOString() : value
}
