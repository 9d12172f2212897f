/** Options of an upload, and the checks that need no gateway. */
import { MAX_BASIC_BYTES } from './choose-protocol.ts'
import type { UploadProgress } from './progress.ts'
import type { JsonObject } from './shape.ts'
import type { UploadProtocol } from './gateway/upload.ts'
import { uploadError } from './upload-error.ts'

/** Settings of the upload URL: the fields of the mutations' input, under the same names. */
export interface UploadSettings {
  /**
   * Maximum duration of the video in seconds, 1 to 36000. Stream reserves this much of the account's storage
   * until the video is processed. The default is the longest video that fits in the file's size, which is far
   * more than most files need. Set the field if you know the duration.
   */
  readonly maxDurationSeconds?: number | undefined
  /** Name of the video, up to 256 characters. Default: the file's name. */
  readonly name?: string | undefined
  /** Your own data about the video, up to 4096 bytes of JSON. */
  readonly meta?: JsonObject | undefined
  /** Hosts that may play the video, such as "example.com". Default: any host. */
  readonly allowedOrigins?: readonly string[] | undefined
  /** Whether playback requires a signed token. */
  readonly requireSignedURLs?: boolean | undefined
  /** Date on which Stream deletes the video, 30 to 1,096 days ahead; a Date or RFC 3339 string. */
  readonly scheduledDeletion?: Date | string | undefined
  /** Position of the thumbnail, from 0 (start) to 1 (end). */
  readonly thumbnailTimestampPct?: number | undefined
  /** Expiry of the URL, 2 minutes to 6 hours ahead. Default: 30 minutes (basic) or 6 hours (tus). */
  readonly expiry?: Date | string | undefined
}

export interface UploadOptions extends UploadSettings {
  /** Called for every progress step. An error that it throws does not stop the upload. */
  readonly onProgress?: ((progress: UploadProgress) => void) | undefined
  /**
   * Pauses the upload on abort: the promise rejects with the signal's reason. Calling `upload` with the same
   * file and settings resumes it. To cancel an upload, call `delete`.
   */
  readonly signal?: AbortSignal | undefined
  /** Protocol to use. Default: chosen by file size and connection. */
  readonly protocol?: UploadProtocol | undefined
  /** False if the connection may break, as on a phone. Default: what the browser reports. */
  readonly reliableConnection?: boolean | undefined
  /** Bytes per tus chunk: a multiple of 256 KiB, 5 to 200 MiB. Default: the gateway's choice. */
  readonly chunkSizeBytes?: number | undefined
}

/** Maximum file size that Stream accepts, in bytes. https://developers.cloudflare.com/stream/faq/ */
const MAX_TUS_BYTES = 30_000_000_000
/** Minimum tus chunk. https://developers.cloudflare.com/stream/uploading-videos/resumable-uploads/ */
const MIN_CHUNK_BYTES = 5_242_880
const MAX_CHUNK_BYTES = 209_715_200
const CHUNK_STEP_BYTES = 262_144

/**
 * Checks the file and chunk size.
 * @throws UploadError if the gateway or Stream would reject them
 */
export function validateFile(sizeBytes: number, { protocol, chunkSizeBytes }: UploadOptions): void {
  if (sizeBytes === 0) throw uploadError('The file is empty.', { code: 'EMPTY_FILE' })
  const limitBytes = protocol === 'BASIC' ? MAX_BASIC_BYTES : MAX_TUS_BYTES
  if (sizeBytes > limitBytes) {
    throw uploadError(`The file has ${sizeBytes} bytes (limit: ${limitBytes}).`, {
      code: 'FILE_TOO_LARGE',
      sizeBytes,
      limitBytes,
    })
  }
  if (chunkSizeBytes === undefined) return
  const fits =
    chunkSizeBytes >= MIN_CHUNK_BYTES &&
    chunkSizeBytes <= MAX_CHUNK_BYTES &&
    chunkSizeBytes % CHUNK_STEP_BYTES === 0
  if (fits) return
  const message = `must be a multiple of ${CHUNK_STEP_BYTES} from ${MIN_CHUNK_BYTES} to ${MAX_CHUNK_BYTES}.`
  throw uploadError(`chunkSizeBytes ${message}`, {
    code: 'INVALID_INPUT',
    issues: [{ path: ['chunkSizeBytes'], message }],
  })
}
