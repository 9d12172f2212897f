/** What a caller asks for when it wants an upload URL, as it came in. */
import type { JsonObject } from '../../shared/json.ts'
import type { UploadProtocol } from '../upload.ts'

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
