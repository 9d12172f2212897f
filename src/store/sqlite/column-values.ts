/**
 * Reads single values as SQLite keeps them: flags are 0 or 1, moments milliseconds, objects and
 * lists JSON text. What is of another kind is a surprise, and thrown.
 */
import type { JsonObject } from '../../shared/json.ts'

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

export function moment(value: unknown): Date {
  return new Date(number(value))
}

export function momentOrNull(value: unknown): Date | null {
  return value === null ? null : moment(value)
}

export function flag(value: unknown): boolean {
  return number(value) !== 0
}

/** Reads one of a few words. */
export function wordOf<Word extends string>(words: readonly Word[]): (value: unknown) => Word {
  const known = new Map<unknown, Word>(words.map((word) => [word, word]))
  return (value) => {
    const word = known.get(value)
    if (word === undefined) throw unreadable(`one of ${words.join(', ')}`, value)
    return word
  }
}

/** Most have none: one of each serves them all. */
const EMPTY_OBJECT: JsonObject = Object.freeze({})
const EMPTY_LIST: readonly string[] = Object.freeze([])

export function objectIn(value: unknown): JsonObject {
  if (value === '{}') return EMPTY_OBJECT
  const object: unknown = JSON.parse(text(value))
  if (isObject(object)) return object
  throw unreadable('object', object)
}

/** What came out of JSON text holds nothing but JSON. */
function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

export function textsIn(value: unknown): readonly string[] {
  return value === '[]' ? EMPTY_LIST : unpack(value).map(text)
}

/** The values of a row, which was read `packed` or as it stands, or of any list in JSON text. */
export function unpack(value: unknown): readonly unknown[] {
  if (Array.isArray(value)) return value
  const list: unknown = JSON.parse(text(value))
  if (Array.isArray(list)) return list
  throw unreadable('list', list)
}

/** Where in a packed row each of its columns stands. */
export function placesOf<Name extends string>(
  columns: Readonly<Record<Name, unknown>>,
): Readonly<Record<Name, number>> {
  const places = Object.fromEntries(Object.keys(columns).map((name, place) => [name, place]))
  if (!hasAll(columns, places)) throw new Error('A column has no place.')
  return places
}

function hasAll<Name extends string>(
  columns: Readonly<Record<Name, unknown>>,
  places: object,
): places is Readonly<Record<Name, number>> {
  return Object.keys(columns).every((name) => name in places)
}

/** Says of what kind it is only: what stands in a row may be secret. */
function unreadable(wanted: string, value: unknown): Error {
  const found = value === null ? 'null' : typeof value
  return new Error(`The database holds ${found} where it should hold ${wanted}.`)
}
