/** Checks files against the caller's limits, before their uploads are minted. The gateway checks the quota. */
import type { ReservedDuration } from '../duration/reserved-duration.ts'
import type { CallerLimits } from '../gateway/caller-limits.ts'
import { type UploadError, uploadError } from '../upload-error.ts'

/**
 * Returns why the caller cannot upload a file of this size; null if it can.
 * @param others uploads that are minted before this one
 */
export function fileError(
  { size }: { readonly size: number },
  { maxSizeBytes, remainingUploads }: CallerLimits,
  others: number,
): UploadError | null {
  if (remainingUploads !== null && others >= remainingUploads) {
    const message = 'No uploads are left. Ask for a new link or token.'
    return uploadError(message, { code: 'FORBIDDEN' })
  }
  if (size <= maxSizeBytes) return null
  return uploadError(`The file has ${size} bytes (limit: ${maxSizeBytes}).`, {
    code: 'FILE_TOO_LARGE',
    sizeBytes: size,
    limitBytes: maxSizeBytes,
  })
}

/** Returns the seconds to reserve, or why the caller cannot upload a video that long. */
export function reservationWithin(
  { seconds, knownSeconds }: ReservedDuration,
  { maxDurationSeconds }: CallerLimits,
): number | UploadError {
  if (knownSeconds === null || knownSeconds <= maxDurationSeconds) {
    // Only a guess or a margin is cut off.
    return Math.min(seconds, maxDurationSeconds)
  }
  const message = `The video has ${knownSeconds} seconds (limit: ${maxDurationSeconds}).`
  return uploadError(message, {
    code: 'VIDEO_TOO_LONG',
    durationSeconds: knownSeconds,
    limitSeconds: maxDurationSeconds,
  })
}
