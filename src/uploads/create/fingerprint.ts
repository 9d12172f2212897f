/** Fingerprints of requests: they tell a retry with an idempotency key from a key used for another upload. */
import type { UploadRequest } from './upload-request.ts'

/** The one that is recorded, and others by which the same request may have been recorded before. */
export type Fingerprints = readonly [recorded: string, ...earlier: string[]]

/**
 * SHA-256 in hex, equal for requests that come to the same upload and ask Stream for the same, whether
 * they come by GraphQL or by tus: what is left out equals its default, and the order of keys in `meta` does
 * not count. An expiry does not equal the default one, which depends on when the request came. The
 * idempotency key is not part of it.
 *
 * Versions up to 0.1.0 took the request as it came: a request with defaults that are written out has that
 * fingerprint as well, so that its retry across an upgrade is recognized. All others have only one.
 *
 * @param subject of the caller, who is the creator where none is named
 */
export async function fingerprintsOf(
  request: UploadRequest,
  subject: string,
): Promise<Fingerprints> {
  const asItCame = canonical(request)
  const normal = canonical(withoutDefaults(request, subject))
  return asItCame === normal
    ? [await digestOf(normal)]
    : [await digestOf(normal), await digestOf(asItCame)]
}

/** Null for what says the same as leaving it out; see `reservationFor` and Stream's own defaults. */
function withoutDefaults(request: UploadRequest, subject: string): UploadRequest {
  const { name, meta, allowedOrigins, requireSignedURLs, thumbnailTimestampPct, creator } = request
  return {
    ...request,
    name: name === meta?.['name'] ? null : name,
    meta: meta === null || Object.keys(meta).length === 0 ? null : meta,
    allowedOrigins: allowedOrigins?.length === 0 ? null : allowedOrigins,
    requireSignedURLs: requireSignedURLs === false ? null : requireSignedURLs,
    thumbnailTimestampPct: thumbnailTimestampPct === 0 ? null : thumbnailTimestampPct,
    creator: creator === subject ? null : creator,
  }
}

function canonical({ idempotencyKey: _key, ...asked }: UploadRequest): string {
  return write(asked)
}

function write(value: unknown): string {
  if (value instanceof Date) return JSON.stringify(value)
  if (Array.isArray(value)) return `[${value.map(write).join()}]`
  if (typeof value === 'object' && value !== null) {
    const entries = Object.entries(value)
      .filter(([, entry]) => entry !== undefined)
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, entry]) => `${JSON.stringify(key)}:${write(entry)}`)
    return `{${entries.join()}}`
  }
  return JSON.stringify(value)
}

async function digestOf(text: string): Promise<string> {
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text))
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, '0')).join('')
}
