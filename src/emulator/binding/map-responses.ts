/** Maps responses of the REST API to objects of the binding. */
import { z } from 'zod'

import type { BoundVideo, BoundWatermark, DirectUpload } from './binding-types.ts'

/** Envelope of all API responses; the details of an error are in `messages`. */
export const envelopeSchema = z.object({
  success: z.boolean(),
  result: z.unknown(),
  errors: z.array(z.object({ code: z.number(), message: z.string() })),
  messages: z.array(z.object({ message: z.string() })),
})

const watermarkSchema = z.object({
  uid: z.string(),
  name: z.string(),
  opacity: z.number(),
  padding: z.number(),
  scale: z.number(),
  position: z.enum(['upperRight', 'upperLeft', 'lowerLeft', 'lowerRight', 'center']),
  size: z.number(),
  height: z.number(),
  width: z.number(),
  created: z.string(),
  downloadedFrom: z.string().nullable(),
})

const tokenSchema = z.object({ token: z.string() })

const mintedSchema = z.object({
  uid: z.string(),
  uploadURL: z.string(),
  scheduledDeletion: z.string().nullish(),
  watermark: watermarkSchema.nullable(),
})

const nullableText = z.string().nullable()

const videoSchema = z.object({
  uid: z.string(),
  creator: nullableText,
  thumbnail: z.string(),
  thumbnailTimestampPct: z.number(),
  readyToStream: z.boolean(),
  readyToStreamAt: nullableText,
  status: z.object({
    state: z.string(),
    step: z.string().optional(),
    pctComplete: z.string(),
    errorReasonCode: z.string(),
    errorReasonText: z.string(),
  }),
  meta: z.record(z.string(), z.unknown()),
  created: z.string(),
  modified: z.string(),
  uploaded: nullableText,
  uploadExpiry: nullableText,
  scheduledDeletion: nullableText,
  size: z.number(),
  preview: z.string(),
  allowedOrigins: z.array(z.string()),
  requireSignedURLs: z.boolean(),
  maxSizeBytes: z.number().nullable(),
  maxDurationSeconds: z.number().nullable(),
  duration: z.number(),
  input: z.object({ width: z.number(), height: z.number() }),
  playback: z.object({ hls: z.string(), dash: z.string() }),
  watermark: watermarkSchema.nullable(),
  publicDetails: z.looseObject({
    title: nullableText,
    share_link: nullableText,
    channel_link: nullableText,
    logo: nullableText,
  }),
})

/** Throws a ZodError when the result does not have the emulator's format. */
export function readDirectUpload(result: unknown): DirectUpload {
  const { uid, uploadURL, scheduledDeletion, watermark } = mintedSchema.parse(result)
  return {
    uploadURL,
    id: uid,
    watermark: boundWatermark(watermark),
    scheduledDeletion: scheduledDeletion ?? null,
  }
}

/** Throws as `readDirectUpload`. */
export function readToken(result: unknown): string {
  return tokenSchema.parse(result).token
}

/** Throws as `readDirectUpload`. */
export function readBoundVideo(result: unknown): BoundVideo {
  const { uid, status, meta, playback, watermark, ...others } = videoSchema.parse(result)
  const { step, ...progress } = status
  return {
    ...others,
    id: uid,
    status: step === undefined ? progress : { ...progress, step },
    meta: Object.fromEntries(Object.entries(meta).map(([key, value]) => [key, asText(value)])),
    hlsPlaybackUrl: playback.hls,
    dashPlaybackUrl: playback.dash,
    watermark: boundWatermark(watermark),
    liveInputId: null,
    clippedFromId: null,
  }
}

/** Throws as `readDirectUpload`. */
export function readBoundVideos(result: unknown): BoundVideo[] {
  return z.array(z.unknown()).parse(result).map(readBoundVideo)
}

/** Throws as `readDirectUpload`. */
export function readWatermark(result: unknown): BoundWatermark {
  return toBoundWatermark(watermarkSchema.parse(result))
}

/** Throws as `readDirectUpload`. */
export function readWatermarks(result: unknown): BoundWatermark[] {
  return z.array(watermarkSchema).parse(result).map(toBoundWatermark)
}

function boundWatermark(watermark: z.infer<typeof watermarkSchema> | null): BoundWatermark | null {
  return watermark === null ? null : toBoundWatermark(watermark)
}

function toBoundWatermark(watermark: z.infer<typeof watermarkSchema>): BoundWatermark {
  const { uid, ...others } = watermark
  return { id: uid, ...others }
}

// The binding's meta contains strings only; other values are converted to JSON text.
function asText(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value)
}
