/** Free-form key/value object that Stream stores unchanged as a video's `meta`. */
import { z } from 'zod'

/** The values are parsed JSON. Checking each of them can take more than ten times as long as parsing it. */
export const metaSchema = z.record(z.string(), z.unknown())
export type Meta = z.infer<typeof metaSchema>

/** Parses a stored `meta`. It was checked before it was stored. */
export function parseMeta(text: string): Meta {
  const meta: unknown = JSON.parse(text)
  if (!isObject(meta)) throw new TypeError('A stored meta is no object')
  return meta
}

function isObject(value: unknown): value is Meta {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Returns the name used by the dashboard and the list filters; null when `meta` has none. */
export function nameOf(meta: Meta): string | null {
  const name = meta['name']
  return typeof name === 'string' ? name : null
}
