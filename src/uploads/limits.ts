/** Limits of Stream and of the gateway. */
import type { UploadProtocol } from './upload.ts'

/**
 * Largest file in bytes for a one-time POST; larger files need tus. Stream documents 200 MB, read here as
 * 200 * 10^6 bytes, the smaller of the two readings.
 * https://developers.cloudflare.com/stream/uploading-videos/direct-creator-uploads/
 */
export const MAX_BASIC_BYTES = 200_000_000

/** Largest file in bytes that Stream accepts. https://developers.cloudflare.com/stream/faq/ */
export const MAX_TUS_BYTES = 30_000_000_000

/** Longest video that Stream accepts, in seconds (10 h). */
export const MAX_STREAM_DURATION_SECONDS = 36_000

/** Rule for creators, as the end of a sentence. */
export const CREATOR_RULE =
  'must have 1 to 64 printable ASCII characters, without spaces at the ends.'

/** Stream accepts at most 64 characters, in a header, which must be ASCII. */
export function isValidCreator(text: string): boolean {
  return /^[\x21-\x7e](?:[\x20-\x7e]{0,62}[\x21-\x7e])?$/.test(text)
}

const MINUTE_MS = 60_000
const DAY_MS = 86_400_000

/** Shortest lifetime of a URL, in milliseconds. */
export const MIN_EXPIRY_MS = 2 * MINUTE_MS

/** Longest lifetime of a URL, in milliseconds. */
export const MAX_EXPIRY_MS = 360 * MINUTE_MS

/** Default lifetime in milliseconds; tus gets the maximum because large files take long. */
export const DEFAULT_EXPIRY_MS: Readonly<Record<UploadProtocol, number>> = {
  BASIC: 30 * MINUTE_MS,
  TUS: MAX_EXPIRY_MS,
}

/** Range of Stream's scheduled deletion: 30 to 1,096 days ahead, in milliseconds. */
export const MIN_SCHEDULED_DELETION_MS = 30 * DAY_MS
export const MAX_SCHEDULED_DELETION_MS = 1096 * DAY_MS

/** How long an idempotency key is valid, in milliseconds. An older key counts as a new one. */
export const IDEMPOTENCY_KEY_MS = DAY_MS

/**
 * Chunk size for tus: 50 MiB, as Stream recommends. Stream requires a multiple of 256 KiB between 5 and
 * 200 MiB; a smaller chunk costs less to resend after a disconnect.
 * https://developers.cloudflare.com/stream/uploading-videos/resumable-uploads/
 */
export const CHUNK_SIZE_BYTES = 52_428_800
