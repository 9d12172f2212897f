/**
 * Parses the JSON body of a direct_upload call.
 * https://developers.cloudflare.com/api/resources/stream/subresources/direct_upload/methods/create/
 */
import { z } from 'zod'

import { badRequest } from '../api-error.ts'
import { BASIC_DEFAULT_EXPIRY_MS } from '../limits.ts'
import { metaSchema } from '../state/meta.ts'
import {
  checkAllowedOrigins,
  checkCreator,
  checkExpiry,
  checkMaxDuration,
  checkScheduledDeletion,
  checkThumbnailTimestampPct,
  type UploadParams,
} from '../state/upload-params.ts'

const bodySchema = z.looseObject({
  maxDurationSeconds: z.number(),
  expiry: z.string().nullish(),
  creator: z.string().nullish(),
  meta: metaSchema.nullish(),
  allowedOrigins: z.array(z.string()).nullish(),
  requireSignedURLs: z.boolean().nullish(),
  scheduledDeletion: z.string().nullish(),
  thumbnailTimestampPct: z.number().nullish(),
  watermark: z.looseObject({ uid: z.string() }).nullish(),
})

/**
 * Throws an ApiError (400) for an invalid body.
 * @param creatorHeader `Upload-Creator`, used when the body has no `creator`
 */
export function parseDirectUpload(
  body: unknown,
  creatorHeader: string | undefined,
  now: number,
): UploadParams {
  const fields = parseBody(bodySchema, body)
  const { expiry, scheduledDeletion } = fields
  return {
    maxDurationSeconds: checkMaxDuration(fields.maxDurationSeconds),
    uploadExpiry: isPresent(expiry) ? checkExpiry(expiry, now) : now + BASIC_DEFAULT_EXPIRY_MS,
    creator: checkCreator(fields.creator ?? creatorHeader),
    meta: fields.meta ?? {},
    allowedOrigins: checkAllowedOrigins(fields.allowedOrigins ?? []),
    requireSignedURLs: fields.requireSignedURLs ?? false,
    scheduledDeletion: isPresent(scheduledDeletion)
      ? checkScheduledDeletion(scheduledDeletion, now)
      : null,
    thumbnailTimestampPct: checkThumbnailTimestampPct(fields.thumbnailTimestampPct ?? 0),
    watermark: fields.watermark?.uid ?? null,
  }
}

/** Returns the validated body. Throws an ApiError (400) that names the first invalid field. */
export function parseBody<Shape extends z.ZodType>(schema: Shape, body: unknown): z.infer<Shape> {
  const parsed = schema.safeParse(body ?? {})
  if (parsed.success) return parsed.data
  const [issue] = parsed.error.issues
  const field = issue?.path.join('.') ?? ''
  if (field === '') throw badRequest('the request body must be a JSON object')
  if (issue?.code === 'invalid_type' && issue.message.endsWith('received undefined')) {
    throw badRequest(`required field ${field} is missing`)
  }
  throw badRequest(`${field}: ${issue?.message ?? 'wrong'}`)
}

function isPresent<Value>(value: Value | null | undefined): value is Value {
  return value !== undefined && value !== null
}
