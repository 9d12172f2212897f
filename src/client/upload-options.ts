/** Options of an upload, and the checks that need no gateway. */
import {
  CHUNK_STEP_BYTES,
  MAX_BASIC_BYTES,
  MAX_CHUNK_BYTES,
  MAX_TUS_BYTES,
  MIN_CHUNK_BYTES,
} from './limits.ts'
import type { UploadProgress } from './progress.ts'
import { describeSource, openSource, sourceProblem } from './sources/open-source.ts'
import type { SourceFile } from './sources/source-file.ts'
import { type JsonObject, flag, isObject } from './shape.ts'
import type { UploadProtocol } from './gateway/upload.ts'
import { type Issues, invalidInput, uploadError } from './upload-error.ts'
import type { UploadSource } from './upload-source.ts'

/** Settings of the upload URL: the fields of the mutations' input, under the same names. */
export interface UploadSettings {
  /**
   * Maximum duration of the video in seconds, 1 to 36000. Stream reserves this much of the account's storage
   * until the video is processed. The default is the duration of the file and a margin. If it cannot be measured,
   * the default is the longest video that fits in the file's size, which is far more than most files need.
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
  /**
   * Expiry of the URL, 2 minutes to 6 hours ahead. Default: 30 minutes (basic) or 6 hours (tus). An expired URL
   * is replaced once, but not after this date: then the upload fails with EXPIRED.
   */
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
  /** Protocol to use. Default: the gateway chooses it by file size, connection and the caller's limits. */
  readonly protocol?: UploadProtocol | undefined
  /** False if the connection may break, as on a phone. Default: what the browser reports. */
  readonly reliableConnection?: boolean | undefined
  /**
   * Bytes per tus chunk: a multiple of 256 KiB, 5 to 200 MiB. Default: 5 MiB, then multiples of it by the
   * measured speed, at most the gateway's recommendation.
   */
  readonly chunkSizeBytes?: number | undefined
}

/** A check of an option, and its rule as the end of a sentence. */
type Rule = readonly [isValid: (value: unknown) => boolean, rule: string]

const TIMESTAMP: Rule = [isTimestamp, 'must be a valid Date, or a string in RFC 3339 format.']
// JSON has no NaN: the gateway would get null, as if the option were omitted.
const NUMBER: Rule = [
  (value) => value === null || Number.isFinite(value),
  'must be a finite number.',
]

/** Options that the gateway does not check, or whose value would be lost or fail before it gets them. */
const RULES: Readonly<{ [Name in keyof UploadOptions]: Rule }> = {
  onProgress: [(value) => typeof value === 'function', 'must be a function.'],
  signal: [isSignal, 'must be an AbortSignal.'],
  protocol: [(value) => value === 'BASIC' || value === 'TUS', 'must be "BASIC" or "TUS".'],
  reliableConnection: [flag.is, 'must be true or false.'],
  chunkSizeBytes: [
    isChunkSize,
    `must be a multiple of ${CHUNK_STEP_BYTES} from ${MIN_CHUNK_BYTES} to ${MAX_CHUNK_BYTES}.`,
  ],
  maxDurationSeconds: NUMBER,
  thumbnailTimestampPct: NUMBER,
  meta: [isJSONObject, 'must be an object that JSON can represent.'],
  scheduledDeletion: TIMESTAMP,
  expiry: TIMESTAMP,
}

/**
 * Checks what fails after minting otherwise, without opening the file.
 * @throws UploadError
 */
export function validateUpload(source: unknown, options: UploadOptions): void {
  const given: Readonly<Record<string, unknown>> = { ...options }
  const issues: Issues = Object.entries(RULES).flatMap(([name, [isValid, message]]) =>
    given[name] === undefined || isValid(given[name]) ? [] : [{ path: [name], message }],
  )
  const problem = sourceProblem(source)
  if (problem !== null) throw invalidInput([{ path: ['file'], message: problem }, ...issues])
  if (issues.length > 0) throw invalidInput(issues)
  const { size } = describeSource(source)
  if (size !== null) checkSize(size, options)
}

/**
 * Checks the file and the options, and opens the file.
 * @throws UploadError
 */
export async function openUpload(
  source: UploadSource,
  options: UploadOptions,
): Promise<SourceFile> {
  validateUpload(source, options)
  const file = await openSource(source)
  try {
    checkSize(file.size, options)
  } catch (error) {
    file.close()
    throw error
  }
  return file
}

function checkSize(sizeBytes: number, { protocol }: UploadOptions): void {
  if (sizeBytes === 0) throw uploadError('The file is empty.', { code: 'EMPTY_FILE' })
  const limitBytes = protocol === 'BASIC' ? MAX_BASIC_BYTES : MAX_TUS_BYTES
  if (sizeBytes <= limitBytes) return
  throw uploadError(`The file has ${sizeBytes} bytes (limit: ${limitBytes}).`, {
    code: 'FILE_TOO_LARGE',
    sizeBytes,
    limitBytes,
  })
}

function isChunkSize(bytes: unknown): boolean {
  return (
    typeof bytes === 'number' &&
    bytes >= MIN_CHUNK_BYTES &&
    bytes <= MAX_CHUNK_BYTES &&
    bytes % CHUNK_STEP_BYTES === 0
  )
}

function isSignal(value: unknown): boolean {
  return value === null || typeof Reflect.get(Object(value), 'throwIfAborted') === 'function'
}

function isTimestamp(value: unknown): boolean {
  if (value instanceof Date) return !Number.isNaN(value.getTime())
  return value === null || typeof value === 'string'
}

/** Cycles and bigints are no JSON. */
function isJSONObject(value: unknown): boolean {
  try {
    JSON.stringify(value)
    return value === null || isObject(value)
  } catch {
    return false
  }
}
