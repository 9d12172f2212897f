/** Chooses how many seconds of storage are reserved for a file. */
import { measureDuration } from './measure-duration.ts'
import type { SourceFile } from '../sources/source-file.ts'
import type { UploadSettings } from '../upload-options.ts'
import { MAX_DURATION_SECONDS, maxDurationFor } from '../upload-input.ts'

/**
 * Margin over the measured duration. Stream rejects a video that is longer than reserved, and containers, browsers
 * and encoders count the first and last frames and audio padding differently.
 */
const MARGIN_SECONDS = 0.5
const MARGIN_SHARE = 0.02

/** Seconds to reserve for a file. */
export interface ReservedDuration {
  /** The value of `maxDurationSeconds`. */
  readonly seconds: number
  /** The duration that the caller gave or that was measured; null if `seconds` is a guess from the file's size. */
  readonly knownSeconds: number | null
}

/** Returns the caller's `maxDurationSeconds`, otherwise the measured duration with a margin, otherwise a guess. */
export async function reservedDurationOf(
  { size, blob }: Pick<SourceFile, 'size' | 'blob'>,
  { maxDurationSeconds }: Pick<UploadSettings, 'maxDurationSeconds'>,
): Promise<ReservedDuration> {
  // Callers without TypeScript pass null too.
  if (typeof maxDurationSeconds === 'number')
    return { seconds: maxDurationSeconds, knownSeconds: maxDurationSeconds }
  const measured = blob === null ? null : await measureDuration(blob)
  return {
    seconds: measured === null ? maxDurationFor(size) : withMargin(measured),
    knownSeconds: measured,
  }
}

/** Returns whole seconds, at most what Stream accepts. */
export function withMargin(seconds: number): number {
  return Math.min(Math.ceil(seconds * (1 + MARGIN_SHARE) + MARGIN_SECONDS), MAX_DURATION_SECONDS)
}
