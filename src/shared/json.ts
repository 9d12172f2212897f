/** A JSON value. Used for `meta`, which Stream stores as the uploader wrote it. */
export type JsonValue =
  | string
  | number
  | boolean
  | null
  | readonly JsonValue[]
  | { readonly [key: string]: JsonValue }

/** A JSON object, such as a video's `meta` at Stream. */
export type JsonObject = Readonly<Record<string, JsonValue>>

/** Whether the value is an object: neither an array nor null. */
export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/**
 * The same for a value that was parsed from JSON: its fields are JSON, so they are not checked again. A
 * recursive check could overflow the stack for a deeply nested object.
 */
export function isJsonObject(value: unknown): value is JsonObject {
  return isRecord(value)
}

/** Maximum nesting of a JSON object of a caller: deep enough for any use, and safe to traverse recursively. */
const MAX_JSON_DEPTH = 16

/** The rule of `isStorableJson`, as the end of a sentence. */
export const STORABLE_JSON_RULE = `nested at most ${MAX_JSON_DEPTH} levels deep, with finite numbers`

/** Whether the value is nested at most 16 levels deep, and JSON can represent its numbers. */
export function isStorableJson(value: unknown, depth = 1): boolean {
  if (typeof value === 'number') return Number.isFinite(value)
  if (typeof value !== 'object' || value === null) return true
  return (
    depth <= MAX_JSON_DEPTH &&
    Object.values(value).every((child) => isStorableJson(child, depth + 1))
  )
}
