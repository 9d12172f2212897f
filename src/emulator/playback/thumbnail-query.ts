/**
 * Parses the query of a thumbnail.
 * https://developers.cloudflare.com/stream/viewing-videos/displaying-thumbnails/
 */
import { z } from 'zod'

import { MAX_ANIMATION_FPS, MAX_ANIMATION_SECONDS, MAX_THUMBNAIL_PIXELS } from '../limits.ts'
import { THUMBNAIL_FITS } from './thumbnail-geometry.ts'

/** As in Stream's examples: `8m`, `5m2s`, `1.5s`. The unit of seconds may be missing. */
const DURATION = /^(?:(\d{1,3})h)?(?:(\d{1,5})m)?(?:(\d{1,6}(?:\.\d{1,6})?)s?)?$/

const durationSchema = z
  .string()
  .regex(DURATION, { error: 'must be a duration such as 90s or 1m30s' })
  .transform((text) => {
    const [, hours = '0', minutes = '0', seconds = '0'] = DURATION.exec(text) ?? []
    return Number(hours) * 3600 + Number(minutes) * 60 + Number(seconds)
  })

function integerSchema(maximum: number) {
  const error = `must be an integer from 1 to ${maximum}`
  return z
    .string()
    .regex(/^\d{1,9}$/, { error })
    .transform(Number)
    .refine((number) => number >= 1 && number <= maximum, { error })
}

const stillShape = {
  /** Seconds from the start; undefined for the video's `thumbnailTimestampPct`. */
  time: durationSchema.optional(),
  width: integerSchema(MAX_THUMBNAIL_PIXELS).optional(),
  height: integerSchema(MAX_THUMBNAIL_PIXELS).optional(),
  fit: z.enum(THUMBNAIL_FITS, { error: `must be of ${THUMBNAIL_FITS.join(', ')}` }).default('crop'),
}

export const stillSchema = z.object(stillShape)

export const animationSchema = z.object({
  ...stillShape,
  /** Seconds. */
  duration: durationSchema
    .refine((seconds) => seconds > 0 && seconds <= MAX_ANIMATION_SECONDS, {
      error: `must be more than 0s and at most ${MAX_ANIMATION_SECONDS}s`,
    })
    .default(5),
  /** Pictures per second. */
  fps: integerSchema(MAX_ANIMATION_FPS).default(8),
})

export type StillParams = z.infer<typeof stillSchema>
export type AnimationParams = z.infer<typeof animationSchema>

/** Returns the parameters, or what is wrong with one of them. An empty value counts as missing. */
export function parseThumbnailQuery<Params>(
  schema: z.ZodType<Params>,
  query: URLSearchParams,
): { readonly params: Params } | { readonly error: string } {
  const given = Object.fromEntries([...query].filter(([, value]) => value !== ''))
  const parsed = schema.safeParse(given)
  if (parsed.success) return { params: parsed.data }
  const [issue] = parsed.error.issues
  return { error: `${issue?.path.join('.') ?? ''} ${issue?.message ?? ''}` }
}
