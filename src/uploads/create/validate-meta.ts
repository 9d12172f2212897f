/** Validates `meta` against Stream's limits and those of tus metadata. */
import { STREAM_KEYS, TUS_KEY } from '../metadata-keys.ts'
import type { InputIssue } from '../outcomes.ts'
import { REFERENCE_KEY } from '../reference.ts'
import type { UploadRequest } from './upload-request.ts'

const MAX_META_BYTES = 4096

export function validateMeta({ protocol, meta }: UploadRequest): InputIssue[] {
  if (meta === null) return []
  const issues: InputIssue[] = []
  if (new TextEncoder().encode(JSON.stringify(meta)).length > MAX_META_BYTES) {
    issues.push({
      path: ['meta'],
      message: `must be at most ${MAX_META_BYTES} bytes when serialized as JSON.`,
    })
  }
  for (const key of Object.keys(meta)) {
    const message = metaKeyError(key, protocol === 'TUS')
    if (message !== null) issues.push({ path: ['meta', key], message })
  }
  return issues
}

function metaKeyError(key: string, tus: boolean): string | null {
  if (key.toLowerCase() === REFERENCE_KEY) return 'is reserved by the gateway. Use another key.'
  if (!tus) return null
  if (STREAM_KEYS.has(key.toLowerCase())) {
    return 'is a setting of Stream. Use the field of that name, or another key.'
  }
  return TUS_KEY.test(key)
    ? null
    : 'is not valid in a tus upload. Use 1 to 64 ASCII characters without spaces and commas.'
}
