/** The free key/value object that Stream keeps as a video's `meta`, as the uploader wrote it. */
import { z } from 'zod'

export const metaSchema = z.record(z.string(), z.json())
export type Meta = z.infer<typeof metaSchema>

/** The name that the dashboard and the list filters go by; null where `meta` has none. */
export function nameOf(meta: Meta): string | null {
  const name = meta['name']
  return typeof name === 'string' ? name : null
}
