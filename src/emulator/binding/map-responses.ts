/** Reads what the emulator's API answers, and tells it in the words of the binding. */
import { z } from 'zod'

import type { BoundVideo, DirectUpload } from './binding-types.ts'

/** Every answer of the API; a refusal's reason stands in `messages`. */
export const envelopeSchema = z.object({
  success: z.boolean(),
  result: z.unknown(),
  errors: z.array(z.object({ code: z.number(), message: z.string() })),
  messages: z.array(z.object({ message: z.string() })),
})

const mintedSchema = z.object({
  uid: z.string(),
  uploadURL: z.string(),
  scheduledDeletion: z.string().nullish(),
})

const text = z.string().nullable()

const videoSchema = z.object({
  uid: z.string(),
  creator: text,
  thumbnail: z.string(),
  thumbnailTimestampPct: z.number(),
  readyToStream: z.boolean(),
  readyToStreamAt: text,
  status: z.object({
    state: z.string(),
    step: z.string().optional(),
    pctComplete: z.string(),
    errorReasonCode: z.string(),
    errorReasonText: z.string(),
  }),
  meta: z.record(z.string(), z.json()),
  created: z.string(),
  modified: z.string(),
  uploaded: text,
  uploadExpiry: text,
  scheduledDeletion: text,
  size: z.number(),
  preview: z.string(),
  allowedOrigins: z.array(z.string()),
  requireSignedURLs: z.boolean(),
  maxSizeBytes: z.number().nullable(),
  maxDurationSeconds: z.number().nullable(),
  duration: z.number(),
  input: z.object({ width: z.number(), height: z.number() }),
  playback: z.object({ hls: z.string(), dash: z.string() }),
  publicDetails: z.looseObject({
    title: text,
    share_link: text,
    channel_link: text,
    logo: text,
  }),
})

/** Throws a ZodError where it is no answer of the emulator's. */
export function readDirectUpload(result: unknown): DirectUpload {
  const { uid, uploadURL, scheduledDeletion } = mintedSchema.parse(result)
  return { uploadURL, id: uid, watermark: null, scheduledDeletion: scheduledDeletion ?? null }
}

/** As `readDirectUpload`. */
export function readBoundVideo(result: unknown): BoundVideo {
  const { uid, status, meta, playback, ...others } = videoSchema.parse(result)
  const { step, ...progress } = status
  return {
    ...others,
    id: uid,
    status: step === undefined ? progress : { ...progress, step },
    meta: Object.fromEntries(Object.entries(meta).map(([key, value]) => [key, asText(value)])),
    hlsPlaybackUrl: playback.hls,
    dashPlaybackUrl: playback.dash,
    watermark: null,
    liveInputId: null,
    clippedFromId: null,
  }
}

/** As `readDirectUpload`. */
export function readBoundVideos(result: unknown): BoundVideo[] {
  return z.array(z.unknown()).parse(result).map(readBoundVideo)
}

// The binding's meta holds text only; what REST put there besides can be read as JSON.
function asText(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value)
}
