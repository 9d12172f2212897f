/** Reads a video as Stream writes it, in REST answers and in webhook notices alike. */
import type { JsonObject } from '../shared/json.ts'
import type { StreamState, StreamVideo } from '../uploads/ports/stream-api.ts'
import {
  type Fields,
  fieldsOf,
  isFields,
  readAddress,
  readAmount,
  readCount,
  readMoment,
  readText,
  readWhole,
} from './json-fields.ts'

const LARGEST_INT = 2 ** 31 - 1

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
 * The video in what `JSON.parse` made of Stream's words. Unknown keys are left aside. Null when it
 * names no usable uid, which is the one field nothing can be done without.
 */
export function readVideo(json: unknown): StreamVideo | null {
  if (!isFields(json)) return null
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
    readyAt: readMoment(json['readyToStreamAt']),
    failure: state === 'error' ? readFailure(status) : null,
    sizeBytes: readWhole(json['size'], Number.MAX_SAFE_INTEGER),
    durationSeconds: readAmount(json['duration']),
    width: readWhole(input['width'], LARGEST_INT),
    height: readWhole(input['height'], LARGEST_INT),
    hlsURL: readAddress(playback['hls']),
    dashURL: readAddress(playback['dash']),
    thumbnailURL: readAddress(json['thumbnail']),
    previewURL: readAddress(json['preview']),
    creator: readText(json['creator']),
    meta: isMeta(json['meta']) ? json['meta'] : {},
    maxDurationSeconds: readAmount(json['maxDurationSeconds']),
    createdAt: readMoment(json['created']),
    modifiedAt: readMoment(json['modified']),
    uploadExpiresAt: readMoment(json['uploadExpiry']),
  }
}

// Words that stand in a video's place in Stream's own paths. `DELETE /stream/webhook` is another
// call altogether, so that none of them may ever pass for a uid.
const pathWords = new Set(['clip', 'copy', 'keys', 'storage-usage', 'watermarks', 'webhook'])

/**
 * Whether a text can be a video's uid: 32 hex digits at Stream, a UUID in Miniflare's simulator.
 * Anything that could leave its place in a path or a list is refused.
 */
export function isVideoUid(text: string): boolean {
  return /^[0-9a-zA-Z-]{1,64}$/.test(text) && !pathWords.has(text.toLowerCase())
}

// The documentation of webhooks spells errReasonCode what the API spells errorReasonCode.
function readFailure(status: Fields): StreamVideo['failure'] {
  return {
    code: readText(status['errorReasonCode']) ?? readText(status['errReasonCode']) ?? 'ERR_UNKNOWN',
    message:
      readText(status['errorReasonText']) ??
      readText(status['errReasonText']) ??
      'Stream gave no reason.',
  }
}

// What JSON.parse made can hold nothing but JSON, so the members need no second look; a recursive
// check could be driven out of its stack by a deeply nested meta.
function isMeta(value: unknown): value is JsonObject {
  return isFields(value)
}
