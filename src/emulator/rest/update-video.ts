/**
 * Handler that updates a video; before the upload also `maxDurationSeconds` and `uploadExpiry`.
 * https://developers.cloudflare.com/api/resources/stream/methods/edit/
 */
import { z } from 'zod'

import { badRequest, notFound, successResponse } from '../api-error.ts'
import type { HttpResponse } from '../http-response.ts'
import { metaSchema } from '../state/meta.ts'
import { requireStorage } from '../state/mint-upload.ts'
import type { EmulatorDependencies } from '../dependencies.ts'
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

export function updateVideo(
  dependencies: EmulatorDependencies,
  uid: string,
  body: unknown,
): HttpResponse {
  const video = dependencies.library.find(uid)
  if (video === null) throw notFound()
  const fields = parseBody(bodySchema, body)
  if (fields.uid !== undefined && fields.uid !== uid) throw badRequest('uid is not this video')
  const now = dependencies.clock.now()
  const change = readChange(video, fields, now)
  requireStorageForChange(dependencies, video, { ...video, ...change }, now)
  const updated = dependencies.library.update(uid, change, now)
  if (updated === null) throw notFound()
  dependencies.dispatcher.wake()
  return successResponse(videoJson(updated, dependencies.settings.publicUrl, now))
}

function readChange(video: Video, fields: z.infer<typeof bodySchema>, now: number): VideoChange {
  const { maxDurationSeconds, scheduledDeletion, uploadExpiry } = fields
  if ((maxDurationSeconds ?? uploadExpiry) !== undefined && video.receivedAt !== null) {
    throw badRequest('maxDurationSeconds and uploadExpiry only change before the upload')
  }
  return {
    ...(fields.allowedOrigins && { allowedOrigins: checkAllowedOrigins(fields.allowedOrigins) }),
    ...(fields.creator !== undefined && { creator: checkCreator(fields.creator) }),
    ...(maxDurationSeconds !== undefined && {
      maxDurationSeconds: checkMaxDuration(maxDurationSeconds),
    }),
    ...(fields.meta && { meta: fields.meta }),
    ...(fields.publicDetails && { publicDetails: fields.publicDetails }),
    ...(fields.requireSignedURLs !== undefined && { requireSignedURLs: fields.requireSignedURLs }),
    ...(scheduledDeletion !== undefined && {
      scheduledDeletion:
        scheduledDeletion === null ? null : checkScheduledDeletion(scheduledDeletion, now),
    }),
    ...(fields.thumbnailTimestampPct !== undefined && {
      thumbnailTimestampPct: checkThumbnailTimestampPct(fields.thumbnailTimestampPct),
    }),
    ...(uploadExpiry !== undefined && { uploadExpiry: checkExpiry(uploadExpiry, now) }),
  }
}

/** A larger maximum duration or a renewed expired URL must fit the storage limit. */
function requireStorageForChange(
  dependencies: EmulatorDependencies,
  before: Video,
  after: Video,
  now: number,
): void {
  const more = reservedSeconds(after, now) - reservedSeconds(before, now)
  if (more > 0) requireStorage(dependencies, more)
}
