/** Writes tus's `Upload-Metadata` header, which holds the constraints of a tus upload. */
import { isMetadataKey } from '../../uploads/metadata-keys.ts'
import type { DirectUploadParams } from '../../uploads/ports/stream-api.ts'
import { formatTimestamp, metaValueToText } from '../json-fields.ts'

/**
 * Returns the header value: documented keys first, then `name`, then the rest of meta. Meta values
 * other than text are written as JSON, and an empty text as a key without a value.
 *
 * @throws RangeError for a meta key that `isMetadataKey` rejects, and for an origin with a comma or
 * a space. The gateway validates both earlier, with a better message.
 */
export function writeUploadMetadata(params: DirectUploadParams): string {
  const pairs: string[] = [pair('maxDurationSeconds', String(params.maxDurationSeconds))]
  // The presence of the key counts: any value, even "false", would make the video private.
  if (params.requireSignedURLs) pairs.push('requiresignedurls')
  pairs.push(pair('expiry', formatTimestamp(params.expiresAt)))
  if (params.allowedOrigins.length > 0)
    pairs.push(pair('allowedorigins', joinOrigins(params.allowedOrigins)))
  if (params.thumbnailTimestampPct !== null)
    pairs.push(pair('thumbnailtimestamppct', writeFraction(params.thumbnailTimestampPct)))
  if (params.watermarkUid !== null) pairs.push(pair('watermark', params.watermarkUid))
  if (params.scheduledDeletion !== null)
    pairs.push(pair('scheduleddeletion', formatTimestamp(params.scheduledDeletion)))

  const { name, ...others } = params.meta
  if (name !== undefined) pairs.push(pair('name', metaValueToText(name)))
  for (const [key, value] of Object.entries(others)) {
    if (!isMetadataKey(key)) throw new RangeError('A meta key is not valid in Upload-Metadata.')
    pairs.push(pair(key, metaValueToText(value)))
  }
  return pairs.join(',')
}

function pair(key: string, value: string): string {
  return value === '' ? key : `${key} ${encodeBase64(value)}`
}

// At most six decimals, no exponent: other parsers may not accept "1e-7".
function writeFraction(fraction: number): string {
  return String(Number(fraction.toFixed(6)))
}

function joinOrigins(origins: readonly string[]): string {
  if (origins.some((origin) => !/^[\x21-\x2b\x2d-\x7e]+$/.test(origin)))
    throw new RangeError('An allowed origin must be a host without spaces or commas.')
  return origins.join(',')
}

function encodeBase64(text: string): string {
  let binary = ''
  for (const byte of new TextEncoder().encode(text)) binary += String.fromCharCode(byte)
  return btoa(binary)
}
