/** Functions that count the characters of a value against the result limit, and return the value unchanged. */
import type { JsonObject } from '../shared/json.ts'
import type { UploadEvent } from '../uploads/upload.ts'
import type { GraphQLContext } from './context.ts'

type Context = Pick<GraphQLContext, 'resultLimit'>

/** Characters that JSON adds to each string: two quotes and a comma. */
const QUOTES = 3

/** Minimum characters counted per list entry: graphql-js takes a microsecond for each, regardless of its length. */
const MIN_ENTRY = 32

export function countText({ resultLimit }: Context, text: string): string {
  resultLimit.consumeCharacters(text.length + QUOTES)
  return text
}

/** Characters counted per status change, whose fields take as long to write as so much text. */
const EVENT_CHARACTERS = 400

export function countEvents(
  { resultLimit }: Context,
  events: readonly UploadEvent[],
): readonly UploadEvent[] {
  resultLimit.consumeCharacters(events.length * EVENT_CHARACTERS)
  return events
}

/** Cached JSON length of each object: an operation may select the same meta by fifty aliases. */
const jsonCharacters = new WeakMap<JsonObject, number>()

export function countJson({ resultLimit }: Context, json: JsonObject): JsonObject {
  const characters = jsonCharacters.get(json) ?? JSON.stringify(json).length
  jsonCharacters.set(json, characters)
  resultLimit.consumeCharacters(characters)
  return json
}

export function countTexts({ resultLimit }: Context, texts: readonly string[]): readonly string[] {
  let count = 0
  for (const text of texts) count += Math.max(text.length, MIN_ENTRY) + QUOTES
  resultLimit.consumeCharacters(count)
  return texts
}

/**
 * Counts the value of a nullable field. Throws for the first value over the limit, and returns null for all
 * further values. An error for each would make the result larger: errors are longer than most values.
 */
export function countNullable(context: Context, text: string | null): string | null {
  return text === null || context.resultLimit.isOutOfCharacters() ? null : countText(context, text)
}
