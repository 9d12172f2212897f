/**
 * Upload-Metadata keys that set upload constraints. Stream ignores their case, so callers' meta must not
 * contain them in any case.
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
// encoded." Control characters are rejected too, because headers cannot carry them.
export const keyPattern = /^[\x21-\x2b\x2d-\x7e]+$/

/** Whether Stream reads the key as a constraint instead of meta; case-insensitive. */
export function isReservedMetadataKey(key: string): boolean {
  return reserved.has(key.toLowerCase())
}

/** Whether a meta key can be sent in `Upload-Metadata` without being a constraint. */
export function isMetadataKey(key: string): boolean {
  return keyPattern.test(key) && !isReservedMetadataKey(key)
}
