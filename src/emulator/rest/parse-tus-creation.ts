/**
 * Parses the headers of a tus creation.
 * https://developers.cloudflare.com/stream/uploading-videos/resumable-uploads/
 */
import type { IncomingHttpHeaders } from 'node:http'

import { z } from 'zod'

import { badRequest, tooLarge } from '../api-error.ts'
import { MAX_TUS_BYTES, TUS_DEFAULT_DURATION_SECONDS, TUS_DEFAULT_EXPIRY_MS } from '../limits.ts'
import { SETTINGS, parseUploadMetadata, type Setting } from './upload-metadata.ts'
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
  const metadata = parseUploadMetadata(uploadMetadata ?? '')
  const meta = Object.fromEntries([...metadata].filter(([key]) => !SETTINGS.has(key.toLowerCase())))
  // Settings are matched case-insensitively, as at Stream: clients differ in their spelling.
  const settings = new Map([...metadata].map(([key, value]) => [key.toLowerCase(), value]))
  const setting = (key: Setting): string | null => settings.get(key) ?? null

  const duration = setting('maxdurationseconds')
  const expiry = setting('expiry')
  const origins = setting('allowedorigins')
  const deletion = setting('scheduleddeletion')
  const thumbnail = setting('thumbnailtimestamppct')
  return {
    uploadLength,
    uploadMetadata,
    maxDurationSeconds:
      duration === null ? TUS_DEFAULT_DURATION_SECONDS : checkMaxDuration(readInteger(duration)),
    uploadExpiry: expiry === null ? now + TUS_DEFAULT_EXPIRY_MS : checkExpiry(expiry, now),
    creator: checkCreator(creator),
    allowedOrigins: origins === null ? [] : checkAllowedOrigins(readOrigins(origins)),
    // Only presence counts: the documented form has no value, some clients send "true".
    requireSignedURLs: setting('requiresignedurls') !== null,
    scheduledDeletion: deletion === null ? null : checkScheduledDeletion(deletion, now),
    thumbnailTimestampPct: checkThumbnailTimestampPct(
      thumbnail === null ? 0 : readFraction(thumbnail),
    ),
    watermark: setting('watermark'),
    meta,
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

function readInteger(text: string): number {
  return /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN
}

function readFraction(text: string): number {
  return /^(?:\d(?:\.\d{1,30})?|\.\d{1,30})$/.test(text) ? Number(text) : Number.NaN
}

/** Accepts an array of strings, as documented, and a comma-separated list, as on older pages. */
function readOrigins(text: string): readonly string[] {
  if (!text.trim().startsWith('[')) return text.split(',').map((origin) => origin.trim())
  const origins = originsSchema.safeParse(parseJson(text))
  if (origins.success) return origins.data
  throw badRequest('allowedorigins must be a JSON array of hosts, or hosts joined by commas')
}

const originsSchema = z.array(z.string())

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}

function joinHeader(header: string | readonly string[] | undefined): string | null {
  if (header === undefined) return null
  return typeof header === 'string' ? header : header.join(',')
}
