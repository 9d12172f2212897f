/** What a caller asks for when it wants an upload URL, as it came in. */
import type { JsonObject } from './json.ts'
import type { UploadProtocol } from './upload.ts'

/** Left-out things are null; nothing here is checked yet. */
export interface UploadRequest {
  readonly protocol: UploadProtocol
  /** Exact size of the file in bytes; null for a basic upload, which need not know it. */
  readonly sizeBytes: number | null
  readonly maxDurationSeconds: number
  readonly expiry: Date | null
  readonly name: string | null
  readonly meta: JsonObject | null
  readonly allowedOrigins: readonly string[] | null
  readonly requireSignedURLs: boolean | null
  readonly scheduledDeletion: Date | null
  /** 0 to 1 of the duration. */
  readonly thumbnailTimestampPct: number | null
  /** Whom the upload belongs to, where an administrator says so; null for the caller. */
  readonly creator: string | null
  readonly idempotencyKey: string | null
}

/**
 * Equal for equal requests, whatever the order of their keys: SHA-256 in hex. The idempotency key is
 * not part of it.
 */
export async function fingerprintOf(request: UploadRequest): Promise<string> {
  const { idempotencyKey: _key, ...asked } = request
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(canonical(asked)))
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, '0')).join('')
}

function canonical(value: unknown): string {
  if (value instanceof Date) return JSON.stringify(value)
  if (Array.isArray(value)) return `[${value.map(canonical).join()}]`
  if (typeof value === 'object' && value !== null) {
    const entries = Object.entries(value)
      .filter(([, entry]) => entry !== undefined)
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, entry]) => `${JSON.stringify(key)}:${canonical(entry)}`)
    return `{${entries.join()}}`
  }
  return JSON.stringify(value)
}
