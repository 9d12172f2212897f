/** A watermark profile: an image, and where it is put on a video. */
import { z } from 'zod'

import { MAX_WATERMARK_NAME_CHARACTERS } from '../limits.ts'
import { formatMicroseconds } from '../timestamp.ts'

const shareSchema = z.number().min(0).max(1)

/** What the creator of a profile chooses, with Stream's defaults. Other members are ignored. */
export const watermarkOptionsSchema = z.object({
  name: z.string().max(MAX_WATERMARK_NAME_CHARACTERS).default(''),
  opacity: shareSchema.default(1),
  padding: shareSchema.default(0.05),
  scale: shareSchema.default(0.15),
  position: z
    .enum(['upperRight', 'upperLeft', 'lowerLeft', 'lowerRight', 'center'])
    .default('upperRight'),
})
export type WatermarkOptions = z.infer<typeof watermarkOptionsSchema>

export const watermarkSchema = z.object({
  ...watermarkOptionsSchema.shape,
  /** 32 hex digits. */
  uid: z.string(),
  /** Bytes of the image. */
  size: z.number(),
  /** Pixels. */
  width: z.number(),
  height: z.number(),
  /** Unique per account. */
  createdMicroseconds: z.number(),
  /** Null if the image was uploaded. */
  downloadedFrom: z.string().nullable(),
})
export type Watermark = z.infer<typeof watermarkSchema>

/** Serializes a profile as Stream does. */
export function watermarkJson(watermark: Watermark): Record<string, unknown> {
  const { createdMicroseconds, ...members } = watermark
  return { ...members, created: formatMicroseconds(createdMicroseconds) }
}
