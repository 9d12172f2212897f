/** Free-form key/value object that Stream stores unchanged as a video's `meta`. */
import { z } from 'zod'

/** The values are parsed JSON. Checking each of them can take more than ten times as long as parsing it. */
export const metaSchema = z.record(z.string(), z.unknown())
export type Meta = z.infer<typeof metaSchema>

/** Returns the name used by the dashboard and the list filters; null when `meta` has none. */
export function nameOf(meta: Meta): string | null {
  const name = meta['name']
  return typeof name === 'string' ? name : null
}
