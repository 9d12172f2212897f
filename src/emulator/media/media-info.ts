/** Derives media info from a reading, including the error if Stream would reject the file. */
import { z } from 'zod'

import { MIN_DURATION_SECONDS } from '../limits.ts'
import type { MediaReading } from './media-reader.ts'

export const mediaInfoSchema = z.object({
  /** MIME type of the container; null if unknown. */
  contentType: z.string().nullable(),
  durationSeconds: z.number().nullable(),
  width: z.number().nullable(),
  height: z.number().nullable(),
  /** Reason why processing fails, with Stream's error code; null when it succeeds. */
  failure: z.object({ code: z.string(), text: z.string() }).nullable(),
})
/** Media info of a file. Null numbers are unknown; Stream serializes them as -1. */
export type MediaInfo = z.infer<typeof mediaInfoSchema>

const NON_VIDEO = {
  code: 'ERR_NON_VIDEO',
  text: 'The file was not recognized as a valid video file.',
}
const MALFORMED = {
  code: 'ERR_MALFORMED_VIDEO',
  text: 'The file is a video but it is damaged and cannot be read.',
}

/** Media info of a damaged file, or of a file that was being read when the emulator's process ended. */
export const damagedMedia: MediaInfo = {
  contentType: null,
  durationSeconds: null,
  width: null,
  height: null,
  failure: MALFORMED,
}

/**
 * Returns the media info for a reading. For a damaged file, or a file that is no video, it sets `failure`
 * instead of throwing.
 */
export function mediaInfoOf(reading: MediaReading, maxDurationSeconds: number): MediaInfo {
  const { kind, contentType, width, height } = reading
  if (kind === 'no-video') return { ...damagedMedia, contentType, failure: NON_VIDEO }
  if (kind === 'damaged' || reading.durationSeconds === null || width === null || height === null) {
    return { ...damagedMedia, contentType }
  }
  const durationSeconds = toMicroseconds(reading.durationSeconds)
  const media = { contentType, durationSeconds, width, height }
  if (durationSeconds < MIN_DURATION_SECONDS) return { ...media, failure: tooShortFailure() }
  if (durationSeconds > maxDurationSeconds) {
    return { ...media, failure: tooLong(durationSeconds, maxDurationSeconds) }
  }
  return { ...media, failure: null }
}

function toMicroseconds(seconds: number): number {
  return Math.round(seconds * 1_000_000) / 1_000_000
}

function tooShortFailure(): { code: string; text: string } {
  return {
    code: 'ERR_DURATION_TOO_SHORT',
    text: `The video is shorter than the minimum of ${MIN_DURATION_SECONDS} seconds.`,
  }
}

function tooLong(seconds: number, maxSeconds: number): { code: string; text: string } {
  return {
    code: 'ERR_DURATION_EXCEED_CONSTRAINT',
    text: `The video lasts ${seconds} seconds, which exceeds maxDurationSeconds of ${maxSeconds}.`,
  }
}
