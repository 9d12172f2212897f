/** Builds the input of both mint mutations from a file and the caller's settings. */
import type { SourceFile } from './sources/source-file.ts'
import type { UploadSettings } from './upload-options.ts'

/** Lowest bit rate that a video is expected to have, in bytes per second (64 kbit/s). */
const MIN_BYTES_PER_SECOND = 8000
const MIN_DURATION_SECONDS = 60
/** Maximum duration that Stream accepts, in seconds. */
export const MAX_DURATION_SECONDS = 36_000
/** In UTF-16 code units, as the gateway counts. */
const MAX_NAME_LENGTH = 256
/** Half of a surrogate pair, at the end of a cut name. */
const HALF_CHARACTER = /\p{Surrogate}$/u

/** Fields of both mutations' inputs. Undefined fields are not sent. */
export type UploadInput = ReturnType<typeof uploadInputFrom>

/** Returns the input for a file. It is deterministic, so that the same file and settings find a stored upload. */
export function uploadInputFrom(file: Pick<SourceFile, 'size' | 'name'>, settings: UploadSettings) {
  return {
    maxDurationSeconds: settings.maxDurationSeconds ?? maxDurationFor(file.size),
    name: settings.name ?? file.name?.slice(0, MAX_NAME_LENGTH).replace(HALF_CHARACTER, ''),
    meta: settings.meta,
    allowedOrigins: settings.allowedOrigins,
    requireSignedURLs: settings.requireSignedURLs,
    scheduledDeletion: timestampFrom(settings.scheduledDeletion),
    thumbnailTimestampPct: settings.thumbnailTimestampPct,
    expiry: timestampFrom(settings.expiry),
  }
}

/** Returns the duration in seconds of the longest video that fits in a file of this size, within Stream's limit. */
export function maxDurationFor(sizeBytes: number): number {
  const seconds = Math.ceil(sizeBytes / MIN_BYTES_PER_SECOND)
  return Math.min(Math.max(seconds, MIN_DURATION_SECONDS), MAX_DURATION_SECONDS)
}

function timestampFrom(timestamp: Date | string | undefined): string | undefined {
  return timestamp instanceof Date ? timestamp.toISOString() : timestamp
}
