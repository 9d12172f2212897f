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
