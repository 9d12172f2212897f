/** What a received file is, and whether Stream would make a video of it. */
import { z } from 'zod'

import { MIN_DURATION_SECONDS } from '../limits.ts'
import type { MediaReading } from './media-reader.ts'

export const mediaFactsSchema = z.object({
  /** MIME type of the container; null where it is none that we know. */
  contentType: z.string().nullable(),
  durationSeconds: z.number().nullable(),
  width: z.number().nullable(),
  height: z.number().nullable(),
  /** Why processing will fail: one of Stream's error codes and a sentence. Null where it will not. */
  failure: z.object({ code: z.string(), text: z.string() }).nullable(),
})
/** Null members are not known, which Stream writes as -1. */
export type MediaFacts = z.infer<typeof mediaFactsSchema>

const NON_VIDEO = {
  code: 'ERR_NON_VIDEO',
  text: 'The file was not recognized as a valid video file.',
}
const MALFORMED = {
  code: 'ERR_MALFORMED_VIDEO',
  text: 'The file is a video but it is damaged and cannot be read.',
}

/** A file whose bytes cannot be read, or that must not be read again. */
export const damagedMedia: MediaFacts = {
  contentType: null,
  durationSeconds: null,
  width: null,
  height: null,
  failure: MALFORMED,
}

/**
 * A file that is no video or a damaged one is a result (`failure`), not an error.
 * @param maxDurationSeconds the cap that the upload was minted with
 */
export function judgeMedia(reading: MediaReading, maxDurationSeconds: number): MediaFacts {
  const { kind, contentType, width, height } = reading
  if (kind === 'no-video') return { ...damagedMedia, contentType, failure: NON_VIDEO }
  if (kind === 'damaged' || reading.durationSeconds === null || width === null || height === null) {
    return { ...damagedMedia, contentType }
  }
  const durationSeconds = toMicroseconds(reading.durationSeconds)
  const media = { contentType, durationSeconds, width, height }
  if (durationSeconds < MIN_DURATION_SECONDS) return { ...media, failure: tooShort() }
  if (durationSeconds > maxDurationSeconds) {
    return { ...media, failure: tooLong(durationSeconds, maxDurationSeconds) }
  }
  return { ...media, failure: null }
}

function toMicroseconds(seconds: number): number {
  return Math.round(seconds * 1_000_000) / 1_000_000
}

function tooShort(): { code: string; text: string } {
  return {
    code: 'ERR_DURATION_TOO_SHORT',
    text: `The video is shorter than the minimum of ${MIN_DURATION_SECONDS} seconds.`,
  }
}

function tooLong(seconds: number, cap: number): { code: string; text: string } {
  return {
    code: 'ERR_DURATION_EXCEED_CONSTRAINT',
    text: `The video lasts ${seconds} seconds, which exceeds maxDurationSeconds of ${cap}.`,
  }
}
