/** A request for an upload URL, as received. */
import type { JsonObject } from '../../shared/json.ts'
import type { UploadProtocol } from '../upload.ts'

/** Omitted fields are null; nothing is validated yet. */
export interface UploadRequest {
  readonly protocol: UploadProtocol
  /** Exact file size in bytes; null for a basic upload, which does not need it. */
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
  /** Creator named by an administrator; null for the caller. */
  readonly creator: string | null
  readonly idempotencyKey: string | null
}
