/**
 * Lenient readers of single JSON fields in Stream's responses. Stream may omit a field, send null or
 * an undocumented type: each reader then returns null, so that one such field does not invalidate
 * the others. Hand-written, because a schema costs more per call than the network.
 */

import { type JsonValue, isRecord } from '../shared/json.ts'

/** Unvalidated fields by name. */
export type Fields = Readonly<Record<string, unknown>>

const NO_FIELDS: Fields = {}

/** Returns the fields of an object; no fields for any other value. */
export function fieldsOf(value: unknown): Fields {
  return isRecord(value) ? value : NO_FIELDS
}

/** Reads a non-empty string; null otherwise. */
export function readText(value: unknown): string | null {
  return typeof value === 'string' && value !== '' ? value : null
}

/** Reads a list of strings; null for anything else. */
export function readTexts(value: unknown): readonly string[] | null {
  const isTexts = Array.isArray(value) && value.every((entry) => typeof entry === 'string')
  return isTexts ? value : null
}

/** Reads a number >= 0, also as a numeric string; null for anything else, such as -1. */
export function readCount(value: unknown): number | null {
  const number = readNumber(value)
  return number !== null && number >= 0 ? number : null
}

/** Reads a number from 0, exclusive, to 2^53; Stream uses null, 0 and -1 for "unknown" and "unset". */
export function readPositive(value: unknown): number | null {
  const number = readNumber(value)
  // Larger ones are no measurement, and their sum would not be finite.
  return number !== null && number > 0 && number <= Number.MAX_SAFE_INTEGER ? number : null
}

/** Reads an integer from 1 to `max`, the largest that GraphQL can serialize; null otherwise. */
export function readPositiveInteger(value: unknown, max: number): number | null {
  const amount = readPositive(value)
  return amount !== null && Number.isSafeInteger(amount) && amount <= max ? amount : null
}

// Stream sends some numbers as strings: "pctComplete": "39.000000", "total": "35586".
function readNumber(value: unknown): number | null {
  const isNumeric = typeof value === 'string' && /^\d+(\.\d+)?$/.test(value)
  const number = isNumeric ? Number(value) : value
  return typeof number === 'number' && Number.isFinite(number) ? number : null
}

/** Reads an RFC 3339 timestamp with 0 to 9 fraction digits; null otherwise. */
export function readTimestamp(value: unknown): Date | null {
  if (typeof value !== 'string') return null
  const match = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(Z|[+-]\d\d:\d\d)$/.exec(value)
  if (match === null) return null
  const [, seconds = '', fraction = '', zone = ''] = match
  const timestamp = new Date(`${seconds}.${fraction.padEnd(3, '0').slice(0, 3)}${zone}`)
  // Year 1 is the zero value of Go's time.Time.
  return Number.isNaN(timestamp.getTime()) || timestamp.getUTCFullYear() <= 1 ? null : timestamp
}

/** Reads a JWT, which is safe in the path of a URL; null otherwise. */
export function readPlaybackToken(value: unknown): string | null {
  return typeof value === 'string' && /^[\w-]+\.[\w-]+\.[\w-]+$/.test(value) ? value : null
}

/** Reads an http or https URL, safe to open in a browser; null otherwise. */
export function readHttpURL(value: unknown): string | null {
  if (typeof value !== 'string') return null
  const url = value.trim()
  return /^https?:\/\/[^\t\r\n]+$/i.test(url) && URL.canParse(url) ? url : null
}

/**
 * Formats a timestamp as in Stream's documentation: RFC 3339 in UTC, whole seconds. The fraction is
 * cut off, so that a URL expires up to a second earlier than requested, never later.
 */
export function formatTimestamp(timestamp: Date): string {
  return `${timestamp.toISOString().slice(0, 19)}Z`
}

/** Converts a meta value for text-only fields: strings unchanged, other values as JSON. */
export function metaValueToText(value: JsonValue): string {
  return typeof value === 'string' ? value : JSON.stringify(value)
}
