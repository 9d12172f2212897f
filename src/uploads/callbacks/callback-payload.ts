/** The body of a callback. `schema/callbacks.schema.json` describes it for receivers. */
import type { JsonObject } from '../../shared/json.ts'
import { encodeNodeId } from '../node-id.ts'
import type {
  Upload,
  UploadFailure,
  UploadProgress,
  UploadProtocol,
  UploadStatus,
} from '../upload.ts'
import type { CallbackType } from './callback-type.ts'

/** What happened to an upload, and the upload afterwards. Times are RFC 3339 in UTC. */
export interface CallbackPayload {
  readonly type: CallbackType
  /** Time of the change. */
  readonly timestamp: string
  readonly data: CallbackUpload
}

/**
 * The upload as the GraphQL type `Upload` shows it to its creator, without `uploadURL` and `Video.playback`, which
 * are secrets, and without `history`, which the callbacks tell one by one.
 */
export interface CallbackUpload {
  /** Id for the GraphQL query `node`. */
  readonly id: string
  /** Stream's unique identifier of the video. */
  readonly uid: string
  readonly protocol: UploadProtocol
  readonly status: UploadStatus
  /** Increases with each recorded change; not every change has a callback. */
  readonly version: number
  /** Expiry of the upload URL. */
  readonly expiresAt: string
  readonly createdAt: string
  readonly updatedAt: string
  readonly creator: string
  readonly name: string | null
  readonly meta: JsonObject
  readonly constraints: CallbackConstraints
  readonly progress: UploadProgress
  /** Null unless the status is ERROR. */
  readonly failure: UploadFailure | null
  /** Null until Stream has received the file. */
  readonly video: CallbackVideo | null
}

/** What Stream enforces for the upload. */
export interface CallbackConstraints {
  readonly maxDurationSeconds: number
  readonly maxSizeBytes: number
  /** Empty for all hosts. */
  readonly allowedOrigins: readonly string[]
  readonly requireSignedURLs: boolean
  readonly scheduledDeletion: string | null
}

/** The video; values are null until Stream reports them, and addresses are null if playback requires a token. */
export interface CallbackVideo {
  readonly durationSeconds: number | null
  readonly width: number | null
  readonly height: number | null
  readonly sizeBytes: number | null
  readonly hlsURL: string | null
  readonly dashURL: string | null
  readonly thumbnailURL: string | null
  readonly previewURL: string | null
  readonly readyAt: string | null
}

export function callbackPayload(type: CallbackType, upload: Upload): CallbackPayload {
  return { type, timestamp: upload.updatedAt.toISOString(), data: callbackUpload(upload) }
}

/** Names each field, so that a new field of the record is not sent by accident. */
function callbackUpload(upload: Upload): CallbackUpload {
  const { uid, protocol, status, version, creator, name, meta, progress, failure } = upload
  const { totalBytes, receivedBytes, encodingPercent } = progress
  return {
    id: encodeNodeId(uid),
    uid,
    protocol,
    status,
    version,
    expiresAt: upload.expiresAt.toISOString(),
    createdAt: upload.createdAt.toISOString(),
    updatedAt: upload.updatedAt.toISOString(),
    creator,
    name,
    meta,
    constraints: callbackConstraints(upload),
    progress: { totalBytes, receivedBytes, encodingPercent },
    failure:
      status === 'ERROR' && failure !== null
        ? { code: failure.code, message: failure.message }
        : null,
    video: callbackVideo(upload),
  }
}

function callbackConstraints({ constraints }: Upload): CallbackConstraints {
  const { maxDurationSeconds, maxSizeBytes, allowedOrigins, requireSignedURLs } = constraints
  return {
    maxDurationSeconds,
    maxSizeBytes,
    allowedOrigins,
    requireSignedURLs,
    scheduledDeletion: constraints.scheduledDeletion?.toISOString() ?? null,
  }
}

function callbackVideo({ video, constraints }: Upload): CallbackVideo | null {
  if (video === null) return null
  const { durationSeconds, width, height, sizeBytes, readyAt } = video
  // Addresses of a private video do not work without a token.
  const address = (url: string | null): string | null =>
    constraints.requireSignedURLs ? null : url
  return {
    durationSeconds,
    width,
    height,
    sizeBytes,
    hlsURL: address(video.hlsURL),
    dashURL: address(video.dashURL),
    thumbnailURL: address(video.thumbnailURL),
    previewURL: address(video.previewURL),
    readyAt: readyAt?.toISOString() ?? null,
  }
}
