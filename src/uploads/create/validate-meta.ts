/** Checks `meta`: what Stream can keep, and what a tus creation can carry there. */
import type { InputIssue } from '../outcomes.ts'
import type { UploadRequest } from './upload-request.ts'

/** The key under which the gateway's own reference travels in the video's meta. */
export const REFERENCE_KEY = 'headgate'

const MAX_META_BYTES = 4096

/**
 * Keys of Upload-Metadata that mean something to Stream itself, in lower case: letting a caller
 * name one would let it choose its own limits.
 * https://developers.cloudflare.com/stream/uploading-videos/resumable-uploads/
 */
const STREAM_KEYS: ReadonlySet<string> = new Set([
  'maxdurationseconds',
  'expiry',
  'requiresignedurls',
  'allowedorigins',
  'thumbnailtimestamppct',
  'watermark',
  'scheduleddeletion',
  'creator',
])

/** "The Key and Value MUST be separated by a space", pairs by a comma. https://tus.io/protocols/resumable-upload */
const TUS_KEY = /^[\x21-\x2b\x2d-\x7e]{1,64}$/

export function checkMeta({ protocol, meta }: UploadRequest): InputIssue[] {
  if (meta === null) return []
  const issues: InputIssue[] = []
  if (new TextEncoder().encode(JSON.stringify(meta)).length > MAX_META_BYTES) {
    issues.push({
      path: ['meta'],
      message: `must be at most ${MAX_META_BYTES} bytes when written as JSON.`,
    })
  }
  for (const key of Object.keys(meta)) {
    const message = checkKey(key, protocol === 'TUS')
    if (message !== null) issues.push({ path: ['meta', key], message })
  }
  return issues
}

function checkKey(key: string, tus: boolean): string | null {
  if (key.toLowerCase() === REFERENCE_KEY) return "is the gateway's own: choose another key."
  if (!tus) return null
  if (STREAM_KEYS.has(key.toLowerCase())) {
    return 'is a setting of Stream itself: use the field of that name, or choose another key.'
  }
  return TUS_KEY.test(key)
    ? null
    : 'cannot travel with a tus upload: use 1 to 64 ASCII characters without spaces and commas.'
}
