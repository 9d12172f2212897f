/** Validates `meta` against the limits of Stream and of tus metadata. */
import { isReservedMetadataKey, keyPattern } from '../metadata-keys.ts'
import type { JsonObject } from '../../shared/json.ts'
import type { InputIssue } from '../outcomes.ts'
import { REFERENCE_KEY } from '../reference.ts'
import { WELL_FORMED_RULE, isWellFormed } from './well-formed.ts'
import type { UploadRequest } from './upload-request.ts'

const MAX_META_BYTES = 4096
const MAX_TUS_KEY_LENGTH = 64

/** Size of each object as JSON: one variable may be the `meta` of a hundred inputs. */
const jsonBytes = new WeakMap<JsonObject, number>()

/** Whether `meta` is larger than that of any valid request. */
export function isMetaTooLarge(meta: JsonObject | null): boolean {
  if (meta === null) return false
  const bytes = jsonBytes.get(meta) ?? new TextEncoder().encode(JSON.stringify(meta)).length
  jsonBytes.set(meta, bytes)
  return bytes > MAX_META_BYTES
}

export function validateMeta({
  protocol,
  meta,
}: Pick<UploadRequest, 'protocol' | 'meta'>): InputIssue[] {
  if (meta === null) return []
  if (isMetaTooLarge(meta)) {
    const message = `must be at most ${MAX_META_BYTES} bytes when serialized as JSON.`
    // Its keys, which may be thousands, are not checked.
    return [{ path: ['meta'], message }]
  }
  const issues: InputIssue[] = []
  for (const [key, value] of Object.entries(meta)) {
    const message =
      metaKeyError(key, protocol === 'TUS') ??
      (isWellFormed({ [key]: value }) ? null : WELL_FORMED_RULE)
    if (message !== null) issues.push({ path: ['meta', key], message })
  }
  return issues
}

function metaKeyError(key: string, tus: boolean): string | null {
  if (key.toLowerCase() === REFERENCE_KEY) return 'is reserved by the gateway. Use another key.'
  if (!tus) return null
  // With such a key, the caller could override the limits of the upload.
  if (isReservedMetadataKey(key)) {
    return 'is a setting of Stream. Use the field of that name, or another key.'
  }
  return keyPattern.test(key) && key.length <= MAX_TUS_KEY_LENGTH
    ? null
    : 'is not valid in a tus upload. Use 1 to 64 ASCII characters without spaces and commas.'
}
