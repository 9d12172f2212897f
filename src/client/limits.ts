/** Stream's limits for uploads, in bytes. */

/** Maximum of a basic upload (200 MB). https://developers.cloudflare.com/stream/uploading-videos/direct-creator-uploads/ */
export const MAX_BASIC_BYTES = 200_000_000
/** Maximum of a tus upload. https://developers.cloudflare.com/stream/faq/ */
export const MAX_TUS_BYTES = 30_000_000_000
/** Sizes of tus chunks: a multiple of the step from the minimum to the maximum. https://developers.cloudflare.com/stream/uploading-videos/resumable-uploads/ */
export const MIN_CHUNK_BYTES = 5_242_880
export const MAX_CHUNK_BYTES = 209_715_200
export const CHUNK_STEP_BYTES = 262_144
