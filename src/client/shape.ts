/**
 * Shapes describe responses of the gateway. Each holds the GraphQL selection and the type guard, and TypeScript
 * infers the type from it.
 */

/** Description of a value in a response. */
export interface Shape<T> {
  /** GraphQL selection set, such as `{ uid status }`; empty for a scalar. */
  readonly selection: string
  /** Type guard for the value. */
  readonly is: (value: unknown) => value is T
}

/** Type of the values that a shape describes. */
export type TypeOf<S> = S extends Shape<infer T> ? T : never

export const text: Shape<string> = { selection: '', is: (value) => typeof value === 'string' }
export const number: Shape<number> = { selection: '', is: (value) => typeof value === 'number' }
export const flag: Shape<boolean> = { selection: '', is: (value) => typeof value === 'boolean' }
export const json: Shape<JsonObject> = { selection: '', is: isObject }

/** A JSON object, such as a video's `meta`. */
export type JsonObject = Readonly<Record<string, unknown>>

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Returns the shape of an enum of the schema. */
export function oneOf<const T extends string>(values: readonly T[]): Shape<T> {
  return {
    selection: '',
    is: (value): value is T => values.some((known) => known === value),
  }
}

export function nullable<T>(shape: Shape<T>): Shape<T | null> {
  return {
    selection: shape.selection,
    is: (value): value is T | null => value === null || shape.is(value),
  }
}

/** Returns the shape of a field that an earlier version has not written. */
export function optional<T>(shape: Shape<T>): Shape<T | undefined> {
  return {
    selection: shape.selection,
    is: (value): value is T | undefined => value === undefined || shape.is(value),
  }
}

export function list<T>(shape: Shape<T>): Shape<readonly T[]> {
  return {
    selection: shape.selection,
    is: (value): value is readonly T[] => Array.isArray(value) && value.every(shape.is),
  }
}

/** Returns the shape of an object with these fields. Its type guard ignores other fields. */
export function object<Fields extends Readonly<Record<string, Shape<unknown>>>>(
  fields: Fields,
): Shape<{ readonly [Name in keyof Fields]: TypeOf<Fields[Name]> }> {
  const entries = Object.entries(fields)
  return {
    selection: `{ ${entries.map(([name, field]) => `${name} ${field.selection}`.trim()).join(' ')} }`,
    is: (value): value is { readonly [Name in keyof Fields]: TypeOf<Fields[Name]> } =>
      isObject(value) && entries.every(([name, field]) => field.is(value[name])),
  }
}
