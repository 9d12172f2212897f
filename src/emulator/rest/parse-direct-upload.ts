/**
 * Reads the JSON of a direct_upload call into an order.
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
  type UploadOrder,
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
  watermark: z.looseObject({ uid: z.string().optional() }).nullish(),
})

/**
 * @param creatorHeader `Upload-Creator`, which stands for `creator` where the body has none
 */
export function readDirectUpload(
  body: unknown,
  creatorHeader: string | undefined,
  now: number,
): UploadOrder {
  const order = parseBody(bodySchema, body)
  if (order.watermark !== undefined && order.watermark !== null) {
    throw badRequest('the watermark profile was not found: this emulator has none')
  }
  const { expiry, scheduledDeletion } = order
  return {
    maxDurationSeconds: checkMaxDuration(order.maxDurationSeconds),
    uploadExpiry: isGiven(expiry) ? checkExpiry(expiry, now) : now + BASIC_DEFAULT_EXPIRY_MS,
    creator: checkCreator(order.creator ?? creatorHeader),
    meta: order.meta ?? {},
    allowedOrigins: checkAllowedOrigins(order.allowedOrigins ?? []),
    requireSignedURLs: order.requireSignedURLs ?? false,
    scheduledDeletion: isGiven(scheduledDeletion)
      ? checkScheduledDeletion(scheduledDeletion, now)
      : null,
    thumbnailTimestampPct: checkThumbnailTimestampPct(order.thumbnailTimestampPct ?? 0),
  }
}

/** The body in its right shape, or a 400 whose sentence names the first field that is wrong. */
export function parseBody<Shape extends z.ZodType>(shape: Shape, body: unknown): z.infer<Shape> {
  const read = shape.safeParse(body ?? {})
  if (read.success) return read.data
  const [issue] = read.error.issues
  const field = issue?.path.join('.') ?? ''
  if (field === '') throw badRequest('the request body must be a JSON object')
  if (issue?.code === 'invalid_type' && issue.message.endsWith('received undefined')) {
    throw badRequest(`required field ${field} is missing`)
  }
  throw badRequest(`${field}: ${issue?.message ?? 'wrong'}`)
}

function isGiven<Value>(value: Value | null | undefined): value is Value {
  return value !== undefined && value !== null
}
