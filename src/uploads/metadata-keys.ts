/**
 * Upload-Metadata keys that Stream interprets, in lower case; Stream ignores their case. A caller that could set
 * them in `meta` would choose its own limits.
 * https://developers.cloudflare.com/stream/uploading-videos/resumable-uploads/
 */
export const STREAM_KEYS: ReadonlySet<string> = new Set([
  'maxdurationseconds',
  'expiry',
  'requiresignedurls',
  'allowedorigins',
  'thumbnailtimestamppct',
  'watermark',
  'scheduleddeletion',
  'creator',
])
// tus 1.0.0: "The key MUST NOT be empty, MUST NOT contain spaces or commas and MUST be ASCII
// encoded." Control characters are rejected too, because headers cannot contain them.
export const keyPattern = /^[\x21-\x2b\x2d-\x7e]+$/

/** Whether Stream interprets the key instead of storing it in `meta`; case-insensitive. */
export function isReservedMetadataKey(key: string): boolean {
  return STREAM_KEYS.has(key.toLowerCase())
}

/** Whether a meta key can be sent in `Upload-Metadata` and is stored in `meta` there. */
export function isMetadataKey(key: string): boolean {
  return keyPattern.test(key) && !isReservedMetadataKey(key)
}
