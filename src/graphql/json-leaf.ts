/** JSON of a caller's own, as a value that is shown and never looked into. */
import type { JsonObject } from '../shared/json.ts'

/** What becomes that JSON when it is written down. */
export interface JsonLeaf {
  toJSON(): JsonObject
}

/**
 * The executor takes whatever has a `then` for a promise: a key of that name in somebody's meta would
 * make every list with that upload unreadable.
 */
export function jsonLeaf(json: JsonObject): JsonLeaf {
  return { toJSON: () => json }
}
