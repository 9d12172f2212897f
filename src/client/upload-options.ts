/** What a caller may say about an upload, and what is checked of it before the gateway is asked. */
import { MAX_BASIC_BYTES } from './choose-protocol.ts'
import type { UploadProgress } from './progress.ts'
import type { JsonObject } from './shape.ts'
import type { UploadProtocol } from './gateway/upload.ts'
import { uploadError } from './upload-error.ts'

/** What the upload URL is minted with: the input of the mutations, under the same names. */
export interface UploadTerms {
  /**
   * Longest video that the URL accepts, in seconds, 1 to 36000; so much of the account's storage is
   * held back until the video is processed. Give it where you know it: left out, it is the longest
   * video that so many bytes can hold, which reserves far more than most files need.
   */
  readonly maxDurationSeconds?: number | undefined
  /** The video's name, up to 256 characters; the file's own where left out. */
  readonly name?: string | undefined
  /** Whatever you want to find again with the video, up to 4096 bytes of JSON. */
  readonly meta?: JsonObject | undefined
  /** Hosts that may play the video, such as "example.com"; any where left out. */
  readonly allowedOrigins?: readonly string[] | undefined
  /** Whether playing needs a signed token. */
  readonly requireSignedURLs?: boolean | undefined
  /** When Stream is to delete the video, 30 to 1,096 days ahead; a Date, or RFC 3339. */
  readonly scheduledDeletion?: Date | string | undefined
  /** Where the thumbnail is taken, from 0 (start) to 1 (end). */
  readonly thumbnailTimestampPct?: number | undefined
  /** When the URL lapses, 2 minutes to 6 hours ahead: 30 minutes (basic) or 6 hours (tus). */
  readonly expiry?: Date | string | undefined
}

export interface UploadOptions extends UploadTerms {
  /** Told of every step; what it throws does not reach the upload. */
  readonly onProgress?: ((progress: UploadProgress) => void) | undefined
  /**
   * Aborting pauses: the promise rejects with the signal's reason, and `upload` with the same file
   * and terms goes on later. To give an upload up, `delete` it.
   */
  readonly signal?: AbortSignal | undefined
  /** Forces one; else chosen by size and connection. */
  readonly protocol?: UploadProtocol | undefined
  /** False where the connection may break, as on a phone; else what the browser says of it. */
  readonly reliableConnection?: boolean | undefined
  /** Bytes of a tus chunk: a multiple of 256 KiB, 5 to 200 MiB; the gateway's choice where left out. */
  readonly chunkSizeBytes?: number | undefined
}

/** Largest file that Stream takes at all, in bytes. https://developers.cloudflare.com/stream/faq/ */
const MAX_TUS_BYTES = 30_000_000_000
/** https://developers.cloudflare.com/stream/uploading-videos/resumable-uploads/ */
const MIN_CHUNK_BYTES = 5_242_880
const MAX_CHUNK_BYTES = 209_715_200
const CHUNK_STEP_BYTES = 262_144

/** @throws UploadError where no gateway and no Stream would take it */
export function checkFile(sizeBytes: number, { protocol, chunkSizeBytes }: UploadOptions): void {
  if (sizeBytes === 0) throw uploadError('The file is empty.', { code: 'EMPTY_FILE' })
  const limitBytes = protocol === 'BASIC' ? MAX_BASIC_BYTES : MAX_TUS_BYTES
  if (sizeBytes > limitBytes) {
    throw uploadError(`The file has ${sizeBytes} bytes; the most are ${limitBytes}.`, {
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
