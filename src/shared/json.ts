/** What JSON can carry. Used for `meta`, which Stream keeps as the uploader wrote it. */
export type JsonValue =
  | string
  | number
  | boolean
  | null
  | readonly JsonValue[]
  | { readonly [key: string]: JsonValue }

/** A JSON object: what Stream stores as a video's `meta`. */
export type JsonObject = Readonly<Record<string, JsonValue>>
