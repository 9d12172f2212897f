/** Checks a selected file against the caller's limits, before its upload is created. The gateway checks the quota. */
import type { CallerLimits } from '../data/documents.ts'
import { formatBytes, formatDuration } from '../format.ts'
import type { Failure } from './queue-item.ts'

/** Returns why the caller cannot upload the file; null if it can. */
export function fileFailure(
  { size }: File,
  { maxSizeBytes, remainingUploads }: CallerLimits,
): Failure | null {
  if (remainingUploads === 0) {
    return { message: 'No uploads are left.', advice: 'Ask for a new link.' }
  }
  if (size <= maxSizeBytes) return null
  return {
    message: `The file has ${formatBytes(size)} (limit: ${formatBytes(maxSizeBytes)}).`,
    advice: 'Shorten the video, or compress it more.',
  }
}

/** Returns why the caller cannot upload a video of this maximum duration in seconds; null if it can. */
export function videoFailure(
  seconds: number,
  { maxDurationSeconds }: CallerLimits,
): Failure | null {
  if (seconds <= maxDurationSeconds) return null
  return {
    message: `The video has ${formatDuration(seconds)} (limit: ${formatDuration(maxDurationSeconds)}).`,
    advice: 'Shorten the video.',
  }
}
