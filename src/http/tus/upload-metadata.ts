import { keyPattern, isReservedMetadataKey } from '../../uploads/metadata-keys.ts'

/**
 * Parses an `Upload-Metadata` header. Missing and empty values become null. Keys keep their case: tus compares
 * them exactly, but Stream ignores the case of its settings, so each setting may occur only once in any case.
 * Returns a `problem` for the client if the header is invalid.
 * https://tus.io/protocols/resumable-upload#upload-metadata
 */
export function parseUploadMetadata(
  header: string,
): Map<string, string | null> | { readonly problem: string } {
  const read = new Map<string, string | null>()
  if (header.trim() === '') return read
  const seen = new Set<string>()
  for (const entry of header.split(',')) {
    // tus allows no spaces around the comma, but proxies that join two headers add one.
    const [key = '', value, ...more] = entry.trim().split(' ')
    if (!keyPattern.test(key))
      return { problem: 'Upload-Metadata has a key that is empty or not plain ASCII.' }
    // The value of an empty key looks like a key after the space of a joined header. Only a setting is clearly a key.
    if (/^\s/.test(entry) && value === undefined && !isReservedMetadataKey(key))
      return {
        problem: `Upload-Metadata has a space before ${quote(key)}. If that is a value, its key is empty; if it is a key, omit the space.`,
      }
    if (more.length > 0) return { problem: `Upload-Metadata has two values for ${quote(key)}.` }
    const uniqueKey = isReservedMetadataKey(key) ? key.toLowerCase() : key
    if (seen.has(uniqueKey)) return { problem: `Upload-Metadata has ${quote(key)} twice.` }
    seen.add(uniqueKey)
    const text = value === undefined || value === '' ? null : decodeBase64(value)
    if (text === undefined)
      return {
        problem: `Upload-Metadata has a value for ${quote(key)} that is not base64 of text.`,
      }
    read.set(key, text)
  }
  return read
}

export function quote(key: string): string {
  return `"${key.length > 40 ? `${key.slice(0, 40)}…` : key}"`
}

/** Returns undefined if the text is not base64 of UTF-8. */
export function decodeBase64(base64: string): string | undefined {
  // `atob` accepts spaces and missing padding; only missing padding is allowed here.
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(base64)) return undefined
  try {
    const bytes = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0))
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    return undefined
  }
}
