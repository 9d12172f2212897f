/** Stream's limits, linked where documented, and the emulator's own. Names contain the units. */

const SECOND_MS = 1000
const MINUTE_MS = 60 * SECOND_MS
const HOUR_MS = 60 * MINUTE_MS
const DAY_MS = 24 * HOUR_MS

/** Largest file of a basic POST. https://developers.cloudflare.com/stream/uploading-videos/direct-creator-uploads/ */
export const MAX_BASIC_BYTES = 200_000_000

/** Largest file by tus. https://developers.cloudflare.com/stream/faq/ */
export const MAX_TUS_BYTES = 30_000_000_000

/** Smallest and largest tus chunk, and its required multiple. https://developers.cloudflare.com/stream/uploading-videos/resumable-uploads/ */
export const MIN_CHUNK_BYTES = 5_242_880
export const MAX_CHUNK_BYTES = 209_715_200
export const CHUNK_STEP_BYTES = 262_144

/** `maxDurationSeconds`: 1 to 36000. https://developers.cloudflare.com/api/resources/stream/subresources/direct_upload/methods/create/ */
export const MAX_DURATION_SECONDS = 36_000

/** Reservation of a tus upload without `maxDurationSeconds` (observed at Stream: 4 hours). */
export const TUS_DEFAULT_DURATION_SECONDS = 14_400

/** Shorter videos fail with ERR_DURATION_TOO_SHORT. */
export const MIN_DURATION_SECONDS = 0.1

/** Allowed distance of `expiry` from now. */
export const MIN_EXPIRY_MS = 2 * MINUTE_MS
export const MAX_EXPIRY_MS = 6 * HOUR_MS

/** Tolerance for clock differences and transit: a time that was valid when sent stays valid. */
export const EXPIRY_SLACK_MS = 5 * SECOND_MS

/** Upload URL lifetimes without `expiry`: the schema's default, and for tus as in samples. */
export const BASIC_DEFAULT_EXPIRY_MS = 30 * MINUTE_MS
export const TUS_DEFAULT_EXPIRY_MS = DAY_MS

/** `scheduledDeletion` is 30 to 1,096 days after creation. */
export const MIN_SCHEDULED_DELETION_MS = 30 * DAY_MS
export const MAX_SCHEDULED_DELETION_MS = 1096 * DAY_MS

/** Longest `creator`, in characters. */
export const MAX_CREATOR_CHARACTERS = 64

/** Maximum and default `limit` of a list call. */
export const MAX_LIST = 1000

/** Longest boundary of a multipart form. https://www.rfc-editor.org/rfc/rfc2046#section-5.1.1 */
export const MAX_BOUNDARY_CHARACTERS = 70

/**
 * Fields of a multipart form, and bytes of the headers of one, the emulator's choice. A field costs time
 * whatever its size: without a maximum, a form may have one for each 6 bytes.
 */
export const MAX_FORM_FIELDS = 16
export const MAX_PART_HEADER_BYTES = 4096

/**
 * Largest multipart form: a file of the largest size, and the form's own bytes. The emulator's
 * choice, as is the next one.
 */
export const MAX_FORM_BYTES = MAX_BASIC_BYTES + 1_048_576

/**
 * Bytes of an unread request body that are discarded after the response, before the connection is
 * closed. Many clients read the response only after they have sent the body. More than twice the largest
 * valid body.
 */
export const MAX_DISCARDED_BYTES = 500_000_000

/** Time for these bytes: a client at 7 Mbit/s can send them all. */
export const MAX_DISCARD_MS = 10 * MINUTE_MS

/** Largest JSON body. The emulator's choice: Cloudflare documents no limit. */
export const MAX_JSON_BYTES = 1_048_576

/**
 * Deepest nesting of a JSON body, the emulator's choice. Deeper values overflow the stack when they
 * are validated or, stored as a video's meta, whenever they are read again.
 */
export const MAX_JSON_DEPTH = 100

/**
 * Open connections, the emulator's choice. Each may have a video's file open too, and the gateway in the
 * same process opens up to 16,000 connections: all of these stay below 17,000 open files.
 */
export const MAX_CONNECTIONS = 400

/** Requests started, and pieces of bodies processed, per tick of the event loop, and time for them; the emulator's choice. */
export const MAX_TURNS_PER_TICK = 16
export const TURNS_MS_PER_TICK = 4

/** Until all headers of a request have been received, the emulator's choice. */
export const HEADERS_TIMEOUT_MS = 10_000

/** Headers of a request, the emulator's choice. Each costs many times its bytes. */
export const MAX_HEADERS = 200

/**
 * Pipelined requests that a connection survives, the emulator's choice. They are not processed, but
 * Node keeps each of them until the connection closes.
 */
export const MAX_PIPELINED = 16

/**
 * Pieces in which a body may arrive: this number, and one more per so many bytes. The emulator's choice.
 * Each piece costs time and memory, whatever its size. A body of chunks and TCP segments that have
 * 1,024 bytes or more is always accepted: both cut it into pieces. A form with the most fields, whose client writes
 * its boundaries, headers and values separately, has fewer small ones than this number.
 */
export const MAX_PIECES = 128
export const BYTES_PER_PIECE = 512

/** Signing keys of an account. https://developers.cloudflare.com/stream/viewing-videos/securing-your-stream/ */
export const MAX_SIGNING_KEYS = 1000

/**
 * Lifetime of a playback token: at most, and without `exp`. Without `nbf`, it is valid from this time before now.
 * https://developers.cloudflare.com/api/resources/stream/subresources/token/methods/create/
 */
export const MAX_TOKEN_LIFETIME_MS = DAY_MS
export const DEFAULT_TOKEN_LIFETIME_MS = HOUR_MS
export const DEFAULT_TOKEN_NBF_MS = HOUR_MS

/** Access rules of a playback token. */
export const MAX_ACCESS_RULES = 5

/** Longest playback token, the emulator's choice: half of what Node accepts as a request's headers. */
export const MAX_TOKEN_CHARACTERS = 8192

/** Longest `pem` of a token request, the emulator's choice: ten times that of a key of `POST /keys`. */
export const MAX_PEM_CHARACTERS = 16_384

/** Characters of verified playback tokens that stay in memory, the emulator's choice. */
export const MAX_CACHED_TOKEN_CHARACTERS = 1_048_576

/** Width and height of a thumbnail, and length and pictures per second of an animated one; the emulator's choice. */
export const MAX_THUMBNAIL_PIXELS = 4096
export const MAX_ANIMATION_SECONDS = 60
export const MAX_ANIMATION_FPS = 30

/** Image of a watermark profile. https://developers.cloudflare.com/stream/edit-videos/applying-watermarks/ */
export const MAX_WATERMARK_BYTES = 2_097_152

/** Form with such an image, watermark profiles, their names, and time to fetch an image; the emulator's choice. */
export const MAX_WATERMARK_FORM_BYTES = MAX_WATERMARK_BYTES + 65_536
export const MAX_WATERMARKS = 1000
export const MAX_WATERMARK_NAME_CHARACTERS = 1024
export const FETCH_TIMEOUT_MS = 10 * SECOND_MS
