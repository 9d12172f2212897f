/** Consumes characters of the result limit for values, and returns the values unchanged. */
import type { JsonObject } from '../shared/json.ts'
import type { GraphQLContext } from './context.ts'

type Context = Pick<GraphQLContext, 'resultLimit'>

/** Characters that JSON adds to each string: two quotes and a comma. */
const QUOTES = 3

/** Characters that a list entry costs at least: graphql-js needs a microsecond for each, however short it is. */
const MIN_ENTRY = 32

export function countText({ resultLimit }: Context, text: string): string {
  resultLimit.consumeCharacters(text.length + QUOTES)
  return text
}

/** Characters of each object as JSON: an operation may select the same meta by fifty aliases. */
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
 * For a nullable field. Throws for the first value over the limit and returns null for all further ones:
 * an error is longer than most values, and one result would have thousands of them.
 */
export function countNullable(context: Context, text: string | null): string | null {
  return text === null || context.resultLimit.isOutOfCharacters() ? null : countText(context, text)
}
