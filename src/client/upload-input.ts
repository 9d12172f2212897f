/** The input of either mutation that mints, made from a file and a caller's terms. */
import type { UploadTerms } from './upload-options.ts'

/** Bytes a second below which nobody watches a video: 64 kbit. */
const LEAST_BYTES_PER_SECOND = 8000
const LEAST_DURATION_SECONDS = 60
/** Longest video that Stream takes, in seconds. */
const MAX_DURATION_SECONDS = 36_000
const MAX_NAME_LENGTH = 256

/** What both inputs have in common; fields that are left out are not sent. */
export type UploadInput = ReturnType<typeof inputFrom>

/** The same file and terms always give the same input, but for what is told as a moment in time. */
export function inputFrom(file: Blob, terms: UploadTerms) {
  return {
    maxDurationSeconds: terms.maxDurationSeconds ?? longestVideoIn(file.size),
    name: terms.name ?? nameOf(file)?.slice(0, MAX_NAME_LENGTH),
    meta: terms.meta,
    allowedOrigins: terms.allowedOrigins,
    requireSignedURLs: terms.requireSignedURLs,
    scheduledDeletion: momentFrom(terms.scheduledDeletion),
    thumbnailTimestampPct: terms.thumbnailTimestampPct,
    expiry: momentFrom(terms.expiry),
  }
}

/** Seconds of the longest video that so many bytes can hold, within what Stream takes. */
function longestVideoIn(sizeBytes: number): number {
  const seconds = Math.ceil(sizeBytes / LEAST_BYTES_PER_SECOND)
  return Math.min(Math.max(seconds, LEAST_DURATION_SECONDS), MAX_DURATION_SECONDS)
}

/** A File's name; undefined where the file has none, as a Blob. */
export function nameOf(file: Blob): string | undefined {
  return 'name' in file && typeof file.name === 'string' && file.name !== '' ? file.name : undefined
}

function momentFrom(moment: Date | string | undefined): string | undefined {
  return moment instanceof Date ? moment.toISOString() : moment
}
