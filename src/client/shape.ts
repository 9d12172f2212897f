/**
 * What an answer of the gateway looks like, said once: a shape gives the selection of the GraphQL
 * document, the guard that reads the answer, and by inference the type.
 */

/** Something that an answer may hold. */
export interface Shape<T> {
  /** What a document asks for: `{ uid status }`; empty for a scalar, which is asked for by name. */
  readonly selection: string
  /** Whether the value is one. */
  readonly is: (value: unknown) => value is T
}

/** The type that a shape reads. */
export type Read<S> = S extends Shape<infer T> ? T : never

export const text: Shape<string> = { selection: '', is: (value) => typeof value === 'string' }
export const number: Shape<number> = { selection: '', is: (value) => typeof value === 'number' }
export const flag: Shape<boolean> = { selection: '', is: (value) => typeof value === 'boolean' }
export const json: Shape<JsonObject> = { selection: '', is: isObject }

/** A JSON object, as a video's meta is one. */
export type JsonObject = Readonly<Record<string, unknown>>

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** One of these words: an enum of the schema. */
export function oneOf<const T extends string>(words: readonly T[]): Shape<T> {
  return {
    selection: '',
    is: (value): value is T => words.some((word) => word === value),
  }
}

export function nullable<T>(shape: Shape<T>): Shape<T | null> {
  return {
    selection: shape.selection,
    is: (value): value is T | null => value === null || shape.is(value),
  }
}

export function list<T>(shape: Shape<T>): Shape<readonly T[]> {
  return {
    selection: shape.selection,
    is: (value): value is readonly T[] => Array.isArray(value) && value.every(shape.is),
  }
}

/** An object with these fields; what else it may have is left alone. */
export function object<Fields extends Readonly<Record<string, Shape<unknown>>>>(
  fields: Fields,
): Shape<{ readonly [Name in keyof Fields]: Read<Fields[Name]> }> {
  const entries = Object.entries(fields)
  return {
    selection: `{ ${entries.map(([name, field]) => `${name} ${field.selection}`.trim()).join(' ')} }`,
    is: (value): value is { readonly [Name in keyof Fields]: Read<Fields[Name]> } =>
      isObject(value) && entries.every(([name, field]) => field.is(value[name])),
  }
}
