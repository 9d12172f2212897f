/**
 * Changes a video afterwards; a pending upload's cap and deadline too.
 * https://developers.cloudflare.com/api/resources/stream/methods/edit/
 */
import { z } from 'zod'

import { badRequest, notFound, succeed } from '../api-error.ts'
import type { Answer } from '../http-response.ts'
import { metaSchema } from '../state/meta.ts'
import { requireStorage } from '../state/mint-upload.ts'
import type { EmulatorParts } from '../dependencies.ts'
import { parseBody } from './parse-direct-upload.ts'
import {
  checkAllowedOrigins,
  checkCreator,
  checkExpiry,
  checkMaxDuration,
  checkScheduledDeletion,
  checkThumbnailTimestampPct,
} from '../state/upload-params.ts'
import { videoJson } from '../state/video-json.ts'
import type { VideoChange } from '../state/video-library.ts'
import { reservedSeconds, type Video } from '../state/video.ts'

const bodySchema = z.looseObject({
  uid: z.string().optional(),
  allowedOrigins: z.array(z.string()).optional(),
  creator: z.string().nullable().optional(),
  maxDurationSeconds: z.number().optional(),
  meta: metaSchema.optional(),
  publicDetails: metaSchema.optional(),
  requireSignedURLs: z.boolean().optional(),
  scheduledDeletion: z.string().nullable().optional(),
  thumbnailTimestampPct: z.number().optional(),
  uploadExpiry: z.string().optional(),
})

export function updateVideo(parts: EmulatorParts, uid: string, body: unknown): Answer {
  const video = parts.library.find(uid)
  if (video === null) throw notFound()
  const asked = parseBody(bodySchema, body)
  if (asked.uid !== undefined && asked.uid !== uid) throw badRequest('uid is not this video')
  const now = parts.clock.now()
  const change = readChange(video, asked, now)
  requireRoom(parts, video, { ...video, ...change }, now)
  const updated = parts.library.update(uid, change, now)
  if (updated === null) throw notFound()
  parts.notifier.wake()
  return succeed(videoJson(updated, parts.settings.publicUrl, now))
}

function readChange(video: Video, asked: z.infer<typeof bodySchema>, now: number): VideoChange {
  const { maxDurationSeconds, scheduledDeletion, uploadExpiry } = asked
  if ((maxDurationSeconds ?? uploadExpiry) !== undefined && video.receivedAt !== null) {
    throw badRequest('maxDurationSeconds and uploadExpiry only change before the upload')
  }
  return {
    ...(asked.allowedOrigins && { allowedOrigins: checkAllowedOrigins(asked.allowedOrigins) }),
    ...(asked.creator !== undefined && { creator: checkCreator(asked.creator) }),
    ...(maxDurationSeconds !== undefined && {
      maxDurationSeconds: checkMaxDuration(maxDurationSeconds),
    }),
    ...(asked.meta && { meta: asked.meta }),
    ...(asked.publicDetails && { publicDetails: asked.publicDetails }),
    ...(asked.requireSignedURLs !== undefined && { requireSignedURLs: asked.requireSignedURLs }),
    ...(scheduledDeletion !== undefined && {
      scheduledDeletion:
        scheduledDeletion === null ? null : checkScheduledDeletion(scheduledDeletion, now),
    }),
    ...(asked.thumbnailTimestampPct !== undefined && {
      thumbnailTimestampPct: checkThumbnailTimestampPct(asked.thumbnailTimestampPct),
    }),
    ...(uploadExpiry !== undefined && { uploadExpiry: checkExpiry(uploadExpiry, now) }),
  }
}

/** A larger cap, or a lapsed link that lives again, has to fit like a new one. */
function requireRoom(parts: EmulatorParts, before: Video, after: Video, now: number): void {
  const more = reservedSeconds(after, now) - reservedSeconds(before, now)
  if (more > 0) requireStorage(parts, more)
}
