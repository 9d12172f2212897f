/** Converts errors to messages with a hint for the user. */
import type { UploadError } from '../../client/client.ts'
import { formatMinutes, formatDuration, formatBytes } from '../format.ts'

/** Error message and hint. */
export interface Failure {
  readonly message: string
  readonly hint: string | null
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
        ? { message: `${requested} do not fit into the remaining storage.`, hint: QUOTA_HINT }
        : {
            message: `${requested} were requested, and ${formatMinutes(Math.max(0, availableMinutes))} are free.`,
            hint: availableMinutes < MIN_VIDEO_MINUTES ? DELETE_HINT : QUOTA_HINT,
          }
    }
    case 'RATE_LIMITED':
      return {
        message: 'Too many uploads were started in a short time.',
        hint: `Try again in ${formatDuration(error.retryAfterSeconds)}.`,
      }
    case 'INVALID_INPUT': {
      const [issue] = error.issues
      return {
        message: issue === undefined ? error.message : `${issue.path.join('.')} ${issue.message}`,
        hint: null,
      }
    }
    case 'FILE_TOO_LARGE':
      return {
        message: `The file is ${formatBytes(error.sizeBytes)} (limit: ${formatBytes(error.limitBytes)}).`,
        hint: 'Shorten the video, or compress it more.',
      }
    case 'VIDEO_TOO_LONG':
      return {
        message: `The video lasts ${formatDuration(error.durationSeconds)} (limit: ${formatDuration(error.limitSeconds)}).`,
        hint: 'Shorten the video.',
      }
    case 'EXPIRED':
      return { message: 'The upload URL expired before the upload ended.', hint: 'Try again.' }
    case 'DELETED':
      return { message: 'The upload was deleted during the transfer.', hint: null }
    case 'NETWORK':
      return {
        message: 'The connection was lost and not restored in time.',
        hint: 'Try again. The upload resumes where it stopped.',
      }
    case 'STREAM_UNAVAILABLE':
      return { message: 'Cloudflare Stream is unavailable.', hint: 'Try again later.' }
    case 'GATEWAY_FAILED':
    case 'STREAM_REJECTED':
    case 'FORBIDDEN':
    case 'IDEMPOTENCY_CONFLICT':
    case 'UNAUTHENTICATED':
    case 'UPLOAD_NOT_FOUND':
    case 'EMPTY_FILE':
    case 'SOURCE_FAILED':
    case 'SOURCE_CONSUMED':
      return { message: error.message, hint: null }
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
      return { message: `The video is longer than ${allowed} allowed.`, hint: DURATION_HINT }
    }
    case 'ERR_NON_VIDEO':
      return {
        message: 'The file is not a video.',
        hint: 'Choose a video file, such as MP4, MOV, MKV or WebM.',
      }
    case 'ERR_MALFORMED_VIDEO':
      return { message: 'The video is damaged.', hint: 'Export it again, and upload that.' }
    case 'ERR_DURATION_TOO_SHORT':
      return { message: "The video is shorter than Stream's minimum.", hint: null }
    default:
      return { message, hint: null }
  }
}
