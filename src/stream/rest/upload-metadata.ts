/** Writes and reads tus's `Upload-Metadata`, by which Stream takes a tus upload's constraints. */
import type { JsonValue } from '../../shared/json.ts'
import type { UploadOrder } from '../../uploads/ports/stream-api.ts'

/**
 * Keys by which an uploader would set policy. Stream reads them in any case of letters, so that
 * none of them may come out of somebody's meta in any case either.
 * https://developers.cloudflare.com/stream/uploading-videos/resumable-uploads/
 */
export const reservedMetadataKeys = [
  'maxDurationSeconds',
  'expiry',
  'requiresignedurls',
  'allowedorigins',
  'thumbnailtimestamppct',
  'watermark',
  'scheduleddeletion',
] as const

const reserved = new Set(reservedMetadataKeys.map((key) => key.toLowerCase()))

// tus 1.0.0: "The key MUST NOT be empty, MUST NOT contain spaces or commas and MUST be ASCII
// encoded." Control characters are refused besides, as no header may carry them.
const keyPattern = /^[\x21-\x2b\x2d-\x7e]+$/

/** Whether Stream takes the key, in any case of letters, as a constraint and not as meta. */
export function isReservedMetadataKey(key: string): boolean {
  return reserved.has(key.toLowerCase())
}

/** Whether a key of an upload's meta can travel in `Upload-Metadata` and stay mere meta. */
export function isMetadataKey(key: string): boolean {
  return keyPattern.test(key) && !isReservedMetadataKey(key)
}

/**
 * The header's value for an order: documented keys first, then `name`, then the rest of meta.
 * Meta values other than text are written as JSON, since a header carries only text; an empty
 * text is written as a key without value.
 *
 * @throws RangeError for a meta key that `isMetadataKey` refuses, and for an origin that would
 * read as two. Both are refused with a better sentence before it comes to this.
 */
export function writeUploadMetadata(order: UploadOrder): string {
  const pairs: string[] = [pair('maxDurationSeconds', String(order.maxDurationSeconds))]
  // Presence is what counts: a value, even "false", would still make the video private.
  if (order.requireSignedURLs) pairs.push('requiresignedurls')
  pairs.push(pair('expiry', writeMoment(order.expiresAt)))
  if (order.allowedOrigins.length > 0)
    pairs.push(pair('allowedorigins', joinOrigins(order.allowedOrigins)))
  if (order.thumbnailTimestampPct !== null)
    pairs.push(pair('thumbnailtimestamppct', writeFraction(order.thumbnailTimestampPct)))
  if (order.scheduledDeletion !== null)
    pairs.push(pair('scheduleddeletion', writeMoment(order.scheduledDeletion)))

  const { name, ...others } = order.meta
  if (name !== undefined) pairs.push(pair('name', writeValue(name)))
  for (const [key, value] of Object.entries(others)) {
    if (!isMetadataKey(key)) throw new RangeError('A meta key cannot travel in Upload-Metadata.')
    pairs.push(pair(key, writeValue(value)))
  }
  return pairs.join(',')
}

/**
 * A moment as the documentation of Stream writes it: RFC 3339 in UTC, whole seconds. A fraction is
 * cut off, so that a URL lapses up to a second sooner than ordered and never later.
 */
export function writeMoment(moment: Date): string {
  return `${moment.toISOString().slice(0, 19)}Z`
}

/**
 * What a client's header says: a key without value, or with an empty one, maps to null. Keys keep
 * their letters' case, except that a reserved key may come once only, whatever its case.
 * The answer is a `problem`, a sentence to show to the client, where the header breaks the rules.
 */
export function parseUploadMetadata(
  header: string,
): Map<string, string | null> | { readonly problem: string } {
  const read = new Map<string, string | null>()
  if (header.trim() === '') return read
  const seen = new Set<string>()
  for (const entry of header.split(',')) {
    // "without spaces" around the comma, says the documentation; proxies that join two headers
    // put one there all the same.
    const [key = '', value, ...more] = entry.trim().split(' ')
    if (!keyPattern.test(key))
      return { problem: 'Upload-Metadata has a key that is empty or not plain ASCII.' }
    if (more.length > 0) return { problem: `Upload-Metadata has two values for ${quote(key)}.` }
    const once = isReservedMetadataKey(key) ? key.toLowerCase() : key
    if (seen.has(once)) return { problem: `Upload-Metadata has ${quote(key)} twice.` }
    seen.add(once)
    const text = value === undefined || value === '' ? null : decodeBase64(value)
    if (text === undefined)
      return {
        problem: `Upload-Metadata has a value for ${quote(key)} that is not base64 of text.`,
      }
    read.set(key, text)
  }
  return read
}

function pair(key: string, value: string): string {
  return value === '' ? key : `${key} ${encodeBase64(value)}`
}

/** A value of meta where only text can travel: text as it is, anything else as JSON. */
export function writeValue(value: JsonValue): string {
  return typeof value === 'string' ? value : JSON.stringify(value)
}

// "1e-7" is a number to JavaScript and a riddle to others: at most six decimals, no exponent.
function writeFraction(fraction: number): string {
  return String(Number(fraction.toFixed(6)))
}

function joinOrigins(origins: readonly string[]): string {
  if (origins.some((origin) => !/^[\x21-\x2b\x2d-\x7e]+$/.test(origin)))
    throw new RangeError('An allowed origin must be a host without spaces or commas.')
  return origins.join(',')
}

function quote(key: string): string {
  return `"${key.length > 40 ? `${key.slice(0, 40)}…` : key}"`
}

function encodeBase64(text: string): string {
  let binary = ''
  for (const byte of new TextEncoder().encode(text)) binary += String.fromCharCode(byte)
  return btoa(binary)
}

/** Undefined when the text is not base64, or not base64 of UTF-8. */
function decodeBase64(base64: string): string | undefined {
  // atob forgives blanks and missing padding; padding may indeed be missing, blanks may not.
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(base64)) return undefined
  try {
    const bytes = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0))
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    return undefined
  }
}
