/** Maps the port's types to and from those of the Workers binding, which differ from REST's. */
import { type JsonObject, isRecord } from '../../shared/json.ts'
import type {
  MintedVideo,
  StreamVideo,
  DirectUploadParams,
  VideoChange,
} from '../../uploads/ports/stream-api.ts'
import type { ListedVideo } from './list-videos.ts'
import type { BindingVideoUpdate, BindingUploadParams } from './binding-types.ts'
import { fieldsOf, metaValueToText, formatTimestamp } from '../json-fields.ts'
import { readMinted } from '../minted-video.ts'
import { readVideo } from '../read-video.ts'

/** Maps the parameters of `createDirectUpload`. */
export function toBindingUploadParams(params: DirectUploadParams): BindingUploadParams {
  return {
    maxDurationSeconds: params.maxDurationSeconds,
    expiry: formatTimestamp(params.expiresAt),
    meta: textMeta(params.meta),
    allowedOrigins: [...params.allowedOrigins],
    requireSignedURLs: params.requireSignedURLs,
    ...(params.creator === null ? {} : { creator: params.creator }),
    ...(params.scheduledDeletion === null
      ? {}
      : { scheduledDeletion: formatTimestamp(params.scheduledDeletion) }),
    ...(params.thumbnailTimestampPct === null
      ? {}
      : { thumbnailTimestampPct: params.thumbnailTimestampPct }),
    ...(params.watermarkUid === null ? {} : { watermark: { id: params.watermarkUid } }),
  }
}

/** Maps the parameters of `update`; unchanged fields are omitted. */
export function toBindingUpdate(change: Omit<VideoChange, 'expiresAt'>): BindingVideoUpdate {
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
          scheduledDeletion: scheduledDeletion === null ? null : formatTimestamp(scheduledDeletion),
        }),
    ...(thumbnailTimestampPct === undefined ? {} : { thumbnailTimestampPct }),
  }
}

// The binding's meta is text only; as with tus, other values are JSON-encoded and returned as text.
// The reference is text, and an upload's meta is returned from the gateway's own database.
function textMeta(meta: JsonObject): Record<string, string> {
  return Object.fromEntries(
    Object.entries(meta).map(([key, value]) => [key, metaValueToText(value)]),
  )
}

/** Reads the result of `createDirectUpload`; null without a valid id and URL. */
export function fromBindingUpload(result: unknown): MintedVideo | null {
  const { id, uploadURL } = fieldsOf(result)
  return readMinted({ uid: id, uploadURL })
}

/**
 * Reads a video of the binding, which uses `id` for `uid`, and `hlsPlaybackUrl` and
 * `dashPlaybackUrl` for `playback`. Null without a valid id.
 */
export function fromBindingVideo(result: unknown): StreamVideo | null {
  if (!isRecord(result)) return null
  return readVideo({
    ...result,
    uid: result['id'],
    playback: { hls: result['hlsPlaybackUrl'], dash: result['dashPlaybackUrl'] },
    readyToStreamAt: timestampText(result['readyToStreamAt']),
    created: timestampText(result['created']),
    modified: timestampText(result['modified']),
    uploadExpiry: timestampText(result['uploadExpiry']),
    scheduledDeletion: timestampText(result['scheduledDeletion']),
  })
}

/** Reads a listed video; null under the same condition as `fromBindingVideo`. */
export function fromListedVideo(result: unknown): ListedVideo | null {
  const video = fromBindingVideo(result)
  if (video === null) return null
  const { created } = fieldsOf(result)
  if (typeof created === 'string') return { video, created }
  // A Date lost its microseconds, so the list continues at the next millisecond.
  const next = video.createdAt === null ? null : new Date(video.createdAt.getTime() + 1)
  return { video, created: next?.toISOString() ?? null }
}

// Typed as text, but over RPC a time can arrive as a Date, which JSON has no type for.
function timestampText(value: unknown): unknown {
  return value instanceof Date && !Number.isNaN(value.getTime()) ? value.toISOString() : value
}
