/** Request fingerprints, which distinguish a retry from another upload with the same idempotency key. */
import type { UploadRequest } from './upload-request.ts'

/** The fingerprint to record, and those that earlier versions of the gateway may have recorded for the request. */
export type Fingerprints = readonly [recorded: string, ...earlier: string[]]

/**
 * Returns SHA-256 digests in hex. They are equal for requests that create the same upload with the same Stream
 * params, by GraphQL or by tus. An omitted field equals its default, and the order of keys in `meta` is ignored.
 * An explicit expiry never equals the default, which depends on the time of the request. The idempotency
 * key is not included.
 *
 * Versions up to 0.1.0 hashed the request as received. A request with explicit defaults therefore has a second
 * fingerprint, so that its retry is recognized after an upgrade.
 *
 * @param request with the settings of the caller's token
 * @param subject subject of the caller, which is the default creator
 * @param watermarkUid of the caller's token; null if it contains none
 */
export async function fingerprintsOf(
  request: UploadRequest,
  subject: string,
  watermarkUid: string | null = null,
): Promise<Fingerprints> {
  // The URL of a basic upload does not depend on the size of the file.
  const settings = request.protocol === 'BASIC' ? { ...request, sizeBytes: null } : request
  // Without a watermark, fingerprints are those of versions whose tokens had none.
  const forced = watermarkUid === null ? {} : { watermarkUid }
  const received = canonical({ ...settings, ...forced })
  const normalized = canonical({ ...withoutDefaults(settings, subject), ...forced })
  return received === normalized
    ? [await digestOf(normalized)]
    : [await digestOf(normalized), await digestOf(received)]
}

/** Replaces explicit defaults, of `createReservation` or of Stream, by null. */
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

function canonical({ idempotencyKey: _key, ...fields }: UploadRequest): string {
  return write(fields)
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
