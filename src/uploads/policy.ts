/** What the gateway allows, and which protocol suits a file. Pure; the numbers are Stream's own. */
import type { UploadProtocol } from './upload.ts'

/** Bytes that a basic URL takes. https://developers.cloudflare.com/stream/uploading-videos/direct-creator-uploads/ */
export const MAX_BASIC_BYTES = 200_000_000
/** Bytes of the largest file that Stream takes at all. https://developers.cloudflare.com/stream/faq/ */
export const MAX_TUS_BYTES = 30_000_000_000
/** Seconds (10 h) that Stream lets one video last. */
export const MAX_STREAM_DURATION_SECONDS = 36_000

/** What may name a creator, as the end of a sentence. */
export const CREATOR_RULE =
  'must have 1 to 64 printable ASCII characters, without blanks around them.'

/** Stream takes at most 64 characters, and takes them in a header, which carries ASCII only. */
export function isCreator(text: string): boolean {
  return /^[\x21-\x7e](?:[\x20-\x7e]{0,62}[\x21-\x7e])?$/.test(text)
}

const MINUTE_MS = 60_000
const DAY_MS = 86_400_000

/** A URL lives at least this long, in milliseconds. */
export const MIN_EXPIRY_MS = 2 * MINUTE_MS
/** And at most this long. */
export const MAX_EXPIRY_MS = 360 * MINUTE_MS
/** Where the caller names no expiry; large files take long, so tus gets all there is. */
export const DEFAULT_EXPIRY_MS: Readonly<Record<UploadProtocol, number>> = {
  BASIC: 30 * MINUTE_MS,
  TUS: MAX_EXPIRY_MS,
}

/** Stream deletes a video on schedule 30 to 1,096 days ahead. */
export const MIN_SCHEDULED_DELETION_MS = 30 * DAY_MS
export const MAX_SCHEDULED_DELETION_MS = 1096 * DAY_MS

/** An idempotency key is remembered this long. */
export const IDEMPOTENCY_KEY_MS = DAY_MS

/**
 * A chunk that Stream takes: a multiple of 256 KiB between 5 and 200 MiB. 50 MiB is what Stream
 * recommends: large enough to be fast, small enough to be sent again after a cut.
 * https://developers.cloudflare.com/stream/uploading-videos/resumable-uploads/
 */
export const CHUNK_SIZE_BYTES = 52_428_800

/** What whoever runs the gateway has decided. */
export interface Policy {
  /** Longest maxDurationSeconds that a caller may ask for. */
  readonly maxDurationSeconds: number
  /** Seconds that one creator may hold, reserved and stored together; null for no limit. */
  readonly creatorQuotaSeconds: number | null
  /** Uploads that one caller may mint a minute. */
  readonly createsPerMinute: number
}

/** Bits a second below which nobody watches a video: a few kilobytes each second. */
const LEAST_BITS_PER_SECOND = 64_000
const LEAST_DURATION_SECONDS = 60

/**
 * Seconds to reserve for a file whose uploader names none, as tus clients do: the longest video that
 * so many bytes can hold, so that a short clip does not hold back ten hours of the account's storage
 * and a long one is not refused after it was sent.
 */
export function longestVideoIn(sizeBytes: number, { maxDurationSeconds }: Policy): number {
  const seconds = Math.ceil((sizeBytes * 8) / LEAST_BITS_PER_SECOND)
  return Math.min(Math.max(seconds, LEAST_DURATION_SECONDS), maxDurationSeconds)
}

/** Which protocol suits a file, why, and whether the other one cannot carry it. */
export interface ProtocolRecommendation {
  readonly protocol: UploadProtocol
  readonly required: boolean
  readonly reason: string
}

/**
 * The decision chart of the Stream documentation.
 * https://developers.cloudflare.com/stream/uploading-videos/direct-creator-uploads/
 *
 * @param carriesTus false where the gateway's way to Stream mints no tus URLs, so that none is
 * recommended
 */
export function recommendProtocol(
  sizeBytes: number,
  reliableConnection: boolean,
  carriesTus = true,
): ProtocolRecommendation {
  if (!carriesTus && sizeBytes <= MAX_TUS_BYTES) {
    return {
      protocol: 'BASIC',
      required: true,
      reason:
        sizeBytes > MAX_BASIC_BYTES
          ? 'The file is over 200 MB, and this gateway has no tus uploads, which alone could carry it: make it smaller first.'
          : 'The file is at most 200 MB, and this gateway has no tus uploads: one POST carries it.',
    }
  }
  if (sizeBytes > MAX_TUS_BYTES) {
    return {
      protocol: 'TUS',
      required: true,
      reason: 'The file is over 30 GB, which Stream takes by no protocol: make it smaller first.',
    }
  }
  if (sizeBytes > MAX_BASIC_BYTES) {
    return {
      protocol: 'TUS',
      required: true,
      reason: 'The file is over 200 MB, which only a tus upload can carry.',
    }
  }
  if (reliableConnection) {
    return {
      protocol: 'BASIC',
      required: false,
      reason: 'The file is at most 200 MB and the connection is reliable: one POST is simplest.',
    }
  }
  return {
    protocol: 'TUS',
    required: false,
    reason: 'The connection may break, and a tus upload goes on where it stopped.',
  }
}
