/** Lenient reader of a video, from REST responses and webhooks. */
import { isJsonObject, isRecord } from '../shared/json.ts'
import type { StreamState, StreamVideo } from '../uploads/ports/stream-api.ts'
import {
  type Fields,
  fieldsOf,
  readHttpURL,
  readPositive,
  readCount,
  readTimestamp,
  readText,
  readTexts,
  readPositiveInteger,
} from './json-fields.ts'

const MAX_INT = 2 ** 31 - 1

// https://developers.cloudflare.com/api/resources/stream/methods/get/
const states: readonly StreamState[] = [
  'pendingupload',
  'downloading',
  'queued',
  'inprogress',
  'ready',
  'error',
  'live-inprogress',
]

/**
 * Reads a video from parsed JSON. Unknown keys are ignored. Returns null without a valid uid, the
 * only required field.
 */
export function readVideo(json: unknown): StreamVideo | null {
  if (!isRecord(json)) return null
  const uid = json['uid']
  if (typeof uid !== 'string' || !isVideoUid(uid)) return null
  const status = fieldsOf(json['status'])
  const input = fieldsOf(json['input'])
  const playback = fieldsOf(json['playback'])
  const state = states.find((known) => known === status['state']) ?? 'unknown'
  const percent = readCount(status['pctComplete'])
  return {
    uid,
    state,
    encodingPercent: percent === null ? null : Math.min(percent, 100),
    readyToStream: json['readyToStream'] === true,
    readyAt: readTimestamp(json['readyToStreamAt']),
    failure: state === 'error' ? readFailure(status) : null,
    sizeBytes: readPositiveInteger(json['size'], Number.MAX_SAFE_INTEGER),
    durationSeconds: readPositive(json['duration']),
    width: readPositiveInteger(input['width'], MAX_INT),
    height: readPositiveInteger(input['height'], MAX_INT),
    hlsURL: readHttpURL(playback['hls']),
    dashURL: readHttpURL(playback['dash']),
    thumbnailURL: readHttpURL(json['thumbnail']),
    previewURL: readHttpURL(json['preview']),
    creator: readText(json['creator']),
    meta: isJsonObject(json['meta']) ? json['meta'] : {},
    maxDurationSeconds: readPositive(json['maxDurationSeconds']),
    allowedOrigins: readTexts(json['allowedOrigins']),
    requireSignedURLs:
      typeof json['requireSignedURLs'] === 'boolean' ? json['requireSignedURLs'] : null,
    scheduledDeletion:
      json['scheduledDeletion'] === null
        ? null
        : (readTimestamp(json['scheduledDeletion']) ?? undefined),
    createdAt: readTimestamp(json['created']),
    modifiedAt: readTimestamp(json['modified']),
    uploadExpiresAt: readTimestamp(json['uploadExpiry']),
  }
}

// Path segments that are no uids in Stream's API: `DELETE /stream/webhook` deletes the webhook, so
// these segments must never be accepted as a uid.
const reservedPathSegments = new Set([
  'clip',
  'copy',
  'keys',
  'storage-usage',
  'watermarks',
  'webhook',
])

/**
 * Whether a text can be a video's uid: 32 hex digits at Stream, a UUID in Miniflare's simulator.
 * Rejects characters that could change the meaning of a path or a list.
 */
export function isVideoUid(text: string): boolean {
  return /^[0-9a-zA-Z-]{1,64}$/.test(text) && !reservedPathSegments.has(text.toLowerCase())
}

// The webhook documentation spells errReasonCode what the API spells errorReasonCode.
function readFailure(status: Fields): StreamVideo['failure'] {
  return {
    code: readText(status['errorReasonCode']) ?? readText(status['errReasonCode']) ?? 'ERR_UNKNOWN',
    message:
      readText(status['errorReasonText']) ??
      readText(status['errReasonText']) ??
      'Stream gave no reason.',
  }
}
