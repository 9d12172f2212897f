/**
 * Parses the `Upload-Metadata` header of a tus creation.
 * https://developers.cloudflare.com/stream/uploading-videos/direct-creator-uploads/#upload-metadata-header-syntax
 */
import { isUtf8 } from 'node:buffer'

import { badRequest } from '../api-error.ts'

/** Keys that Stream interprets, in lower case; all others go to the video's meta. */
const SETTING_KEYS = [
  'maxdurationseconds',
  'expiry',
  'requiresignedurls',
  'allowedorigins',
  'thumbnailtimestamppct',
  'watermark',
  'scheduleddeletion',
] as const
export type Setting = (typeof SETTING_KEYS)[number]
export const SETTINGS: ReadonlySet<string> = new Set(SETTING_KEYS)

/** Padding may be missing, as at the gateway. */
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}(?:==)?|[A-Za-z0-9+/]{3}=?)?$/
// "The key MUST NOT contain spaces and commas and MUST NOT be empty. The key SHOULD be ASCII encoded"
const KEY = /^[!-+\--~]+$/

/** Returns decoded values by key, in its original case. Throws an ApiError (400). */
export function parseUploadMetadata(header: string): ReadonlyMap<string, string> {
  const pairs = new Map<string, string>()
  if (header.trim() === '') return pairs
  const seen = new Set<string>()
  for (const pair of header.split(',')) {
    // Some clients put a space after the comma; trimming is safe, because keys contain no space.
    const [key = '', value, ...rest] = pair.trim().split(' ')
    const isSetting = SETTINGS.has(key.toLowerCase())
    // The value of an empty key looks like a key after such a space. Only a setting is clearly a key.
    const isValueOnly = /^\s/.test(pair) && value === undefined && !isSetting
    if (!KEY.test(key) || rest.length > 0 || isValueOnly) {
      throw badRequest('Upload-Metadata must be pairs of a key, a space and a base64 value')
    }
    // "All keys MUST be unique." https://tus.io/protocols/resumable-upload#upload-metadata
    // Stream ignores the case of its settings.
    const uniqueKey = isSetting ? key.toLowerCase() : key
    if (seen.has(uniqueKey)) {
      throw badRequest(`Upload-Metadata: "${key.slice(0, 100)}" comes twice`)
    }
    seen.add(uniqueKey)
    const text = decodeBase64(value ?? '')
    if (text === null) {
      throw badRequest(`Upload-Metadata: the value of "${key.slice(0, 100)}" is not base64 of text`)
    }
    pairs.set(key, text)
  }
  return pairs
}

/** Returns null if the value is not base64 of UTF-8. */
function decodeBase64(value: string): string | null {
  if (!BASE64.test(value)) return null
  const bytes = Buffer.from(value, 'base64')
  return isUtf8(bytes) ? bytes.toString('utf8') : null
}
