/**
 * Reads single SQLite values: flags are 0 or 1, dates milliseconds since 1970, objects and lists JSON text.
 * Each reader throws if the value has another type.
 */
import { type JsonObject, isJsonObject } from '../../shared/json.ts'

export function text(value: unknown): string {
  if (typeof value === 'string') return value
  throw unreadable('text', value)
}

export function textOrNull(value: unknown): string | null {
  return value === null ? null : text(value)
}

export function number(value: unknown): number {
  if (typeof value === 'number') return value
  throw unreadable('number', value)
}

export function numberOrNull(value: unknown): number | null {
  return value === null ? null : number(value)
}

export function date(value: unknown): Date {
  return new Date(number(value))
}

export function dateOrNull(value: unknown): Date | null {
  return value === null ? null : date(value)
}

export function flag(value: unknown): boolean {
  return number(value) !== 0
}

/** Returns a reader that accepts only these values. */
export function enumReader<T extends string>(allowed: readonly T[]): (value: unknown) => T {
  const known = new Map<unknown, T>(allowed.map((match) => [match, match]))
  return (value) => {
    const match = known.get(value)
    if (match === undefined) throw unreadable(`one of ${allowed.join(', ')}`, value)
    return match
  }
}

/** Shared frozen instances, because most uploads have empty metadata and no allowed origins. */
const EMPTY_OBJECT: JsonObject = Object.freeze({})
const EMPTY_LIST: readonly string[] = Object.freeze([])

export function jsonObject(value: unknown): JsonObject {
  if (value === '{}') return EMPTY_OBJECT
  const object: unknown = JSON.parse(text(value))
  if (isJsonObject(object)) return object
  throw unreadable('object', object)
}

export function stringList(value: unknown): readonly string[] {
  return value === '[]' ? EMPTY_LIST : unpackRow(value).map(text)
}

/** Returns the values of a row (from `packedRow` or from plain columns), or of any JSON list. */
export function unpackRow(value: unknown): readonly unknown[] {
  if (Array.isArray(value)) return value
  const list: unknown = JSON.parse(text(value))
  if (Array.isArray(list)) return list
  throw unreadable('list', list)
}

/** Returns the index of each column in a packed row. */
export function columnIndexes<Name extends string>(
  columns: Readonly<Record<Name, unknown>>,
): Readonly<Record<Name, number>> {
  const indexes = Object.fromEntries(Object.keys(columns).map((name, index) => [name, index]))
  if (!hasAll(columns, indexes)) throw new Error('Missing column index.')
  return indexes
}

function hasAll<Name extends string>(
  columns: Readonly<Record<Name, unknown>>,
  indexes: object,
): indexes is Readonly<Record<Name, number>> {
  return Object.keys(columns).every((name) => name in indexes)
}

/** Reports only types, because the value may be a secret. */
function unreadable(expected: string, value: unknown): Error {
  const found = value === null ? 'null' : typeof value
  return new Error(`Invalid value in the database: ${found} instead of ${expected}.`)
}
