/** The operator's limits, and the default duration limit of a file. */

/** Limits that the operator configures. `limitsInForce` combines them with those of a caller's token. */
export interface Policy {
  /** Largest maxDurationSeconds that a caller may request. */
  readonly maxDurationSeconds: number
  /** Seconds per creator, reserved and stored together; null for no limit. */
  readonly creatorQuotaSeconds: number | null
  /** Creations per caller and minute; deletions have a separate limit of the same size. */
  readonly createsPerMinute: number
  /** Uid of the watermark profile of every upload; null for none. */
  readonly watermarkUid: string | null
}

/** Bit rate below which no video is watchable: a few kilobytes per second. */
const MIN_BITS_PER_SECOND = 64_000
const MIN_DURATION_SECONDS = 60

/**
 * Returns the seconds to reserve for a file without a declared duration, as from tus clients: the longest
 * video that fits in this many bytes. A short clip then does not reserve ten hours of storage, and a long
 * video is not rejected after its upload.
 */
export function maxDurationForSize(
  sizeBytes: number,
  { maxDurationSeconds }: Pick<Policy, 'maxDurationSeconds'>,
): number {
  const seconds = Math.ceil((sizeBytes * 8) / MIN_BITS_PER_SECOND)
  return Math.min(Math.max(seconds, MIN_DURATION_SECONDS), maxDurationSeconds)
}
