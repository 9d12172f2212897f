/**
 * Reads the headers of a tus creation into an order.
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
  type UploadOrder,
} from '../state/upload-params.ts'

/** A tus order: the file's exact size is known when it is minted. */
export interface TusOrder extends UploadOrder {
  readonly uploadLength: number
  /** `Upload-Metadata` as it came; null where there was none. */
  readonly uploadMetadata: string | null
}

export function readTusCreation(headers: IncomingHttpHeaders, now: number): TusOrder {
  const uploadLength = readUploadLength(headers)
  const uploadMetadata = oneHeader(headers['upload-metadata'])
  const creator = oneHeader(headers['upload-creator'])
  const order = new MetadataOrder(parseUploadMetadata(uploadMetadata ?? ''))

  // Clients spell the keys in many ways; Stream evidently takes them whatever their case.
  const duration = order.take('maxdurationseconds')
  const expiry = order.take('expiry')
  const origins = order.take('allowedorigins')
  const deletion = order.take('scheduleddeletion')
  const thumbnail = order.take('thumbnailtimestamppct')
  // Presence counts: the documented form has no value, some clients send "true".
  const requireSignedURLs = order.take('requiresignedurls') !== null
  if (order.take('watermark') !== null) {
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
    meta: order.rest(),
  }
}

/** Keys that mean something are taken out, whatever their case; what is left is the video's meta. */
class MetadataOrder {
  readonly #pairs: Map<string, string>

  constructor(pairs: ReadonlyMap<string, string>) {
    this.#pairs = new Map(pairs)
  }

  /** The value of the key; null where it is not there. */
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
  const header = oneHeader(headers['upload-length'])
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

/** Documented as an array, in older pages as a comma-separated list: both are read. */
function readOrigins(text: string): string[] {
  return text
    .replace(/^\s*\[|\]\s*$/g, '')
    .split(',')
    .map((origin) => origin.trim().replace(/^"|"$/g, ''))
    .filter((origin) => origin !== '')
}

function oneHeader(header: string | readonly string[] | undefined): string | null {
  if (header === undefined) return null
  return typeof header === 'string' ? header : header.join(',')
}
