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
