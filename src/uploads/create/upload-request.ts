/** A request for an upload URL, as received. */
import type { JsonObject } from '../../shared/json.ts'
import type { UploadProtocol } from '../upload.ts'

/** Request before validation. Omitted fields are null. */
export interface UploadRequest {
  readonly protocol: UploadProtocol
  /** Exact file size in bytes; may be null for a basic upload. */
  readonly sizeBytes: number | null
  readonly maxDurationSeconds: number
  readonly expiry: Date | null
  readonly name: string | null
  readonly meta: JsonObject | null
  readonly allowedOrigins: readonly string[] | null
  readonly requireSignedURLs: boolean | null
  readonly scheduledDeletion: Date | null
  /** Fraction of the duration, 0 to 1. */
  readonly thumbnailTimestampPct: number | null
  /** Creator of the upload, which only an administrator may choose; null for the caller. */
  readonly creator: string | null
  readonly idempotencyKey: string | null
}
