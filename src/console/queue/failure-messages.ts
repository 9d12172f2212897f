/** Converts errors to messages with a hint for the user. */
import type { UploadError } from '../../client/client.ts'
import { formatMinutes, formatDuration, formatBytes } from '../format.ts'

/** Error message and hint. */
export interface Failure {
  readonly message: string
  readonly advice: string | null
}

const DURATION_HINT = 'Leave "Longest video" empty, or set it higher, and try again.'

/** @param maxDurationSeconds reserved duration; null if unknown */
export function failureMessageOf(error: UploadError, maxDurationSeconds: number | null): Failure {
  switch (error.code) {
    case 'VIDEO_FAILED':
      return videoFailureMessage(error.failure, maxDurationSeconds)
    case 'QUOTA_EXCEEDED': {
      const requested = formatMinutes(error.requestedMinutes)
      const { availableMinutes } = error
      return availableMinutes === null
        ? { message: `${requested} do not fit into the remaining storage.`, advice: QUOTA_HINT }
        : {
            message: `${requested} were requested, and ${formatMinutes(Math.max(0, availableMinutes))} are free.`,
            advice: availableMinutes < MIN_VIDEO_MINUTES ? DELETE_HINT : QUOTA_HINT,
          }
    }
    case 'RATE_LIMITED':
      return {
        message: 'Too many uploads were started in a short time.',
        advice: `Try again in ${formatDuration(error.retryAfterSeconds)}.`,
      }
    case 'INVALID_INPUT': {
      const [issue] = error.issues
      return {
        message: issue === undefined ? error.message : `${issue.path.join('.')} ${issue.message}`,
        advice: null,
      }
    }
    case 'FILE_TOO_LARGE':
      return {
        message: `The file has ${formatBytes(error.sizeBytes)} (limit: ${formatBytes(error.limitBytes)}).`,
        advice: 'Shorten the video, or compress it more.',
      }
    case 'VIDEO_TOO_LONG':
      return {
        message: `The video has ${formatDuration(error.durationSeconds)} (limit: ${formatDuration(error.limitSeconds)}).`,
        advice: 'Shorten the video.',
      }
    case 'EXPIRED':
      return { message: 'The upload URL expired before the upload ended.', advice: 'Try again.' }
    case 'DELETED':
      return { message: 'The upload was deleted during the transfer.', advice: null }
    case 'NETWORK':
      return {
        message: 'The connection was lost and not restored in time.',
        advice: 'Try again. The upload resumes where it stopped.',
      }
    case 'STREAM_UNAVAILABLE':
      return { message: 'Cloudflare Stream is unavailable.', advice: 'Try again later.' }
    case 'GATEWAY_FAILED':
    case 'STREAM_REJECTED':
    case 'FORBIDDEN':
    case 'IDEMPOTENCY_CONFLICT':
    case 'UNAUTHENTICATED':
    case 'UPLOAD_NOT_FOUND':
    case 'EMPTY_FILE':
    case 'SOURCE_FAILED':
    case 'SOURCE_CONSUMED':
      return { message: error.message, advice: null }
  }
}

/** With less than this free, a lower "Longest video" would leave no time for a video. */
const MIN_VIDEO_MINUTES = 0.1
const DELETE_HINT = 'Delete videos that are not needed.'
const QUOTA_HINT = 'Set "Longest video" lower, or delete videos that are not needed.'

/** Message for a video error of Stream. https://developers.cloudflare.com/stream/manage-video-library/using-webhooks/ */
export function videoFailureMessage(
  { code, message }: { readonly code: string; readonly message: string },
  maxDurationSeconds: number | null,
): Failure {
  switch (code) {
    case 'ERR_DURATION_EXCEED_CONSTRAINT': {
      const allowed =
        maxDurationSeconds === null ? 'was' : `the ${formatDuration(maxDurationSeconds)} that were`
      return { message: `The video is longer than ${allowed} allowed.`, advice: DURATION_HINT }
    }
    case 'ERR_NON_VIDEO':
      return {
        message: 'The file is not a video.',
        advice: 'Choose a video file, such as MP4, MOV, MKV or WebM.',
      }
    case 'ERR_MALFORMED_VIDEO':
      return { message: 'The video is damaged.', advice: 'Export it again, and upload that.' }
    case 'ERR_DURATION_TOO_SHORT':
      return { message: 'The video is shorter than the minimum of Stream.', advice: null }
    default:
      return { message, advice: null }
  }
}
