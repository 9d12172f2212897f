/** Wraps JSON from a caller as a leaf value that the executor does not inspect. */
import type { JsonObject } from '../shared/json.ts'

/** Serializes to the wrapped JSON. */
export interface JsonLeaf {
  toJSON(): JsonObject
}

/**
 * Wraps the object, because the executor treats any value with a `then` as a promise. A key `then` in one
 * upload's meta would break every list that contains it.
 */
export function jsonLeaf(json: JsonObject): JsonLeaf {
  return { toJSON: () => json }
}
