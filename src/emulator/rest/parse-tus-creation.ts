/**
 * Parses the headers of a tus creation.
 * https://developers.cloudflare.com/stream/uploading-videos/resumable-uploads/
 */
import type { IncomingHttpHeaders } from 'node:http'

import { badRequest, tooLarge } from '../api-error.ts'
import { MAX_TUS_BYTES, TUS_DEFAULT_DURATION_SECONDS, TUS_DEFAULT_EXPIRY_MS } from '../limits.ts'
import { parseUploadMetadata } from './upload-metadata.ts'
import {
  checkAllowedOrigins,
  checkCreator,
  checkExpiry,
  checkMaxDuration,
  checkScheduledDeletion,
  checkThumbnailTimestampPct,
  type UploadParams,
} from '../state/upload-params.ts'

/** Parameters of a tus upload; the exact file size is known at creation. */
export interface TusUploadParams extends UploadParams {
  /** Bytes. */
  readonly uploadLength: number
  /** Unchanged `Upload-Metadata` header; null without one. */
  readonly uploadMetadata: string | null
}

/** Throws an ApiError: 413 for a file that is too large, 400 for other errors. */
export function parseTusCreation(headers: IncomingHttpHeaders, now: number): TusUploadParams {
  const uploadLength = readUploadLength(headers)
  const uploadMetadata = joinHeader(headers['upload-metadata'])
  const creator = joinHeader(headers['upload-creator'])
  const metadata = new MetadataPairs(parseUploadMetadata(uploadMetadata ?? ''))

  // Keys are matched case-insensitively, as at Stream: clients differ in their spelling.
  const duration = metadata.take('maxdurationseconds')
  const expiry = metadata.take('expiry')
  const origins = metadata.take('allowedorigins')
  const deletion = metadata.take('scheduleddeletion')
  const thumbnail = metadata.take('thumbnailtimestamppct')
  // Only presence counts: the documented form has no value, some clients send "true".
  const requireSignedURLs = metadata.take('requiresignedurls') !== null
  if (metadata.take('watermark') !== null) {
    throw badRequest('the watermark profile was not found: this emulator has none')
  }
  return {
    uploadLength,
    uploadMetadata,
    maxDurationSeconds:
      duration === null ? TUS_DEFAULT_DURATION_SECONDS : checkMaxDuration(readNumber(duration)),
    uploadExpiry: expiry === null ? now + TUS_DEFAULT_EXPIRY_MS : checkExpiry(expiry, now),
    creator: checkCreator(creator),
    allowedOrigins: checkAllowedOrigins(readOrigins(origins ?? '')),
    requireSignedURLs,
    scheduledDeletion: deletion === null ? null : checkScheduledDeletion(deletion, now),
    thumbnailTimestampPct: checkThumbnailTimestampPct(
      thumbnail === null ? 0 : readNumber(thumbnail),
    ),
    meta: metadata.rest(),
  }
}

/** Metadata pairs. Known keys are removed, in any case; the rest becomes the video's meta. */
class MetadataPairs {
  readonly #pairs: Map<string, string>

  constructor(pairs: ReadonlyMap<string, string>) {
    this.#pairs = new Map(pairs)
  }

  /** Removes a key and returns its value; null when the key is missing. */
  take(lowerCaseKey: string): string | null {
    const key = [...this.#pairs.keys()].find((name) => name.toLowerCase() === lowerCaseKey)
    if (key === undefined) return null
    const value = this.#pairs.get(key) ?? ''
    this.#pairs.delete(key)
    return value
  }

  rest(): Record<string, string> {
    return Object.fromEntries(this.#pairs)
  }
}

function readUploadLength(headers: IncomingHttpHeaders): number {
  if (headers['upload-defer-length'] !== undefined) {
    throw badRequest('Upload-Defer-Length is not supported: the size must be known')
  }
  const header = joinHeader(headers['upload-length'])
  if (header === null) throw badRequest('the header Upload-Length is missing')
  if (!/^\d{1,15}$/.test(header) || Number(header) === 0) {
    throw badRequest('Upload-Length must be the size of the file in bytes, at least 1')
  }
  const bytes = Number(header)
  if (bytes > MAX_TUS_BYTES) {
    throw tooLarge(`Upload-Length must be at most ${MAX_TUS_BYTES} bytes`)
  }
  return bytes
}

function readNumber(text: string): number {
  return /^\d+(\.\d+)?$/.test(text.trim()) ? Number(text) : Number.NaN
}

/** Accepts an array, as documented, and a comma-separated list, as on older pages. */
function readOrigins(text: string): string[] {
  return text
    .replace(/^\s*\[|\]\s*$/g, '')
    .split(',')
    .map((origin) => origin.trim().replace(/^"|"$/g, ''))
    .filter((origin) => origin !== '')
}

function joinHeader(header: string | readonly string[] | undefined): string | null {
  if (header === undefined) return null
  return typeof header === 'string' ? header : header.join(',')
}
