/** Free-form key/value object that Stream stores unchanged as a video's `meta`. */
import { z } from 'zod'

export const metaSchema = z.record(z.string(), z.json())
export type Meta = z.infer<typeof metaSchema>

/** Returns the name used by the dashboard and the list filters; null when `meta` has none. */
export function nameOf(meta: Meta): string | null {
  const name = meta['name']
  return typeof name === 'string' ? name : null
}
