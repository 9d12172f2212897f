/** Reads a video as Stream writes it, in REST answers and in webhook notices alike. */
import { z } from 'zod'
import type { JsonObject } from '../uploads/json.ts'
import type { StreamState, StreamVideo } from './backend.ts'

// Every reader below ends in `catch`: Stream may leave a field out, send null, or send a shape we
// have never seen, and one odd field must not cost us the rest of the video.

/** Text that says something; null where absent, empty or not text. */
export const looseText = z.string().min(1).nullable().catch(null)

// Stream writes some numbers as text: "pctComplete": "39.000000", "total": "35586".
const number = z.union([
  z.number(),
  z
    .string()
    .regex(/^\d+(\.\d+)?$/)
    .transform(Number),
])

/** A number from zero up, also when written as text; null where absent or -1. */
export const looseCount = number.pipe(z.number().nonnegative()).nullable().catch(null)

/** A number above zero. Stream says "unknown" and "unset" with null, with 0 and with -1. */
export const looseAmount = number.pipe(z.number().positive()).nullable().catch(null)

/** A whole number above zero, at most this: what GraphQL could not write down is not known. */
const looseWhole = (most: number) =>
  number.pipe(z.number().int().positive().max(most)).nullable().catch(null)

const LARGEST_INT = 2 ** 31 - 1

/** A moment in RFC 3339 with 0 to 9 digits of fraction; null where absent or not a moment. */
export const looseMoment = z.string().transform(readMoment).nullable().catch(null)

/** An address that a browser may open: http or https only, whatever else a field may hold. */
const looseAddress = z
  .url({ protocol: /^https?$/ })
  .nullable()
  .catch(null)

// What JSON.parse made can hold nothing but JSON, so the members need no second look; a recursive
// check could be driven out of its stack by a deeply nested meta.
const looseMeta = z.custom<JsonObject>(isPlainObject).catch(() => ({}))

// https://developers.cloudflare.com/api/resources/stream/methods/get/
const states = [
  'pendingupload',
  'downloading',
  'queued',
  'inprogress',
  'ready',
  'error',
  'live-inprogress',
] as const satisfies readonly StreamState[]

// The documentation of webhooks spells errReasonCode what the API spells errorReasonCode.
const status = z
  .object({
    state: z.enum(states).or(z.literal('unknown')).catch('unknown'),
    pctComplete: looseCount,
    errorReasonCode: looseText,
    errorReasonText: looseText,
    errReasonCode: looseText,
    errReasonText: looseText,
  })
  .nullable()
  .catch(null)

const video = z.object({
  uid: z.string().refine(isVideoUid),
  status,
  readyToStream: z.boolean().catch(false),
  readyToStreamAt: looseMoment,
  size: looseWhole(Number.MAX_SAFE_INTEGER),
  duration: looseAmount,
  input: z
    .object({ width: looseWhole(LARGEST_INT), height: looseWhole(LARGEST_INT) })
    .nullable()
    .catch(null),
  playback: z.object({ hls: looseAddress, dash: looseAddress }).nullable().catch(null),
  thumbnail: looseAddress,
  preview: looseAddress,
  creator: looseText,
  meta: looseMeta,
  maxDurationSeconds: looseAmount,
  created: looseMoment,
  modified: looseMoment,
  uploadExpiry: looseMoment,
})

/**
 * The video in what `JSON.parse` made of Stream's words. Unknown keys are left aside. Null when it
 * names no usable uid, which is the one field nothing can be done without.
 */
export function readVideo(json: unknown): StreamVideo | null {
  const read = video.safeParse(json)
  if (!read.success) return null
  const said = read.data
  return {
    uid: said.uid,
    state: said.status?.state ?? 'unknown',
    encodingPercent: percent(said.status?.pctComplete ?? null),
    readyToStream: said.readyToStream,
    readyAt: said.readyToStreamAt,
    failure: readFailure(said.status),
    sizeBytes: said.size,
    durationSeconds: said.duration,
    width: said.input?.width ?? null,
    height: said.input?.height ?? null,
    hlsURL: said.playback?.hls ?? null,
    dashURL: said.playback?.dash ?? null,
    thumbnailURL: said.thumbnail,
    previewURL: said.preview,
    creator: said.creator,
    meta: said.meta,
    maxDurationSeconds: said.maxDurationSeconds,
    createdAt: said.created,
    modifiedAt: said.modified,
    uploadExpiresAt: said.uploadExpiry,
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

function readFailure(said: z.infer<typeof status>): StreamVideo['failure'] {
  if (said?.state !== 'error') return null
  return {
    code: said.errorReasonCode ?? said.errReasonCode ?? 'ERR_UNKNOWN',
    message: said.errorReasonText ?? said.errReasonText ?? 'Stream gave no reason.',
  }
}

function percent(complete: number | null): number | null {
  return complete === null ? null : Math.min(complete, 100)
}

function readMoment(text: string): Date | null {
  const parts = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(Z|[+-]\d\d:\d\d)$/.exec(text)
  if (parts === null) return null
  const [, seconds = '', fraction = '', zone = ''] = parts
  const moment = new Date(`${seconds}.${fraction.padEnd(3, '0').slice(0, 3)}${zone}`)
  // Year 1 is how a Go program writes a time that was never set.
  return Number.isNaN(moment.getTime()) || moment.getUTCFullYear() <= 1 ? null : moment
}

function isPlainObject(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
