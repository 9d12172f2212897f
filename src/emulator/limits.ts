/** Stream's own limits, each with the page that names it. Bytes, seconds and milliseconds as said. */

const SECOND_MS = 1000
const MINUTE_MS = 60 * SECOND_MS
const HOUR_MS = 60 * MINUTE_MS
const DAY_MS = 24 * HOUR_MS

/** Largest file of a basic POST. https://developers.cloudflare.com/stream/uploading-videos/direct-creator-uploads/ */
export const MAX_BASIC_BYTES = 200_000_000

/** Largest file by tus. https://developers.cloudflare.com/stream/faq/ */
export const MAX_TUS_BYTES = 30_000_000_000

/** A tus chunk's bounds in bytes. https://developers.cloudflare.com/stream/uploading-videos/resumable-uploads/ */
export const MIN_CHUNK_BYTES = 5_242_880
export const MAX_CHUNK_BYTES = 209_715_200
export const CHUNK_STEP_BYTES = 262_144

/** `maxDurationSeconds`: 1 to 36000. https://developers.cloudflare.com/api/resources/stream/subresources/direct_upload/methods/create/ */
export const MAX_DURATION_SECONDS = 36_000

/** What a tus upload reserves that names no `maxDurationSeconds` (seen live: 4 hours). */
export const TUS_DEFAULT_DURATION_SECONDS = 14_400

/** Shorter videos end in ERR_DURATION_TOO_SHORT, in seconds. */
export const MIN_DURATION_SECONDS = 0.1

/** How far ahead `expiry` may lie. */
export const MIN_EXPIRY_MS = 2 * MINUTE_MS
export const MAX_EXPIRY_MS = 6 * HOUR_MS

/** Two computers' clocks differ; a deadline that was right when it was written stays right. */
export const EXPIRY_SLACK_MS = 5 * SECOND_MS

/** Link lifetimes where no `expiry` is sent: the schema's default, and what samples show for tus. */
export const BASIC_DEFAULT_EXPIRY_MS = 30 * MINUTE_MS
export const TUS_DEFAULT_EXPIRY_MS = DAY_MS

/** `scheduledDeletion` lies 30 to 1,096 days after creation. */
export const MIN_SCHEDULED_DELETION_MS = 30 * DAY_MS
export const MAX_SCHEDULED_DELETION_MS = 1096 * DAY_MS

/** Longest `creator`, in characters. */
export const MAX_CREATOR_CHARACTERS = 64

/** Most videos of one list call, and how many come where `limit` is left out. */
export const MAX_LIST = 1000

/** Largest JSON body that the API reads, in bytes. Our choice: Cloudflare names none. */
export const MAX_JSON_BYTES = 1_048_576

/**
 * Deepest nesting of a JSON body. Our choice: what is deeper overflows the stack when it is checked
 * or, kept as a video's meta, whenever it is read again.
 */
export const MAX_JSON_DEPTH = 100
