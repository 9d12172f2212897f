/** Parameters of an upload URL and Stream's checks of each, which throw an ApiError (400). */
import type { Meta } from './meta.ts'
import { badRequest } from '../api-error.ts'
import {
  EXPIRY_SLACK_MS,
  MAX_CREATOR_CHARACTERS,
  MAX_DURATION_SECONDS,
  MAX_EXPIRY_MS,
  MAX_SCHEDULED_DELETION_MS,
  MIN_EXPIRY_MS,
  MIN_SCHEDULED_DELETION_MS,
} from '../limits.ts'
import { parseMilliseconds } from '../timestamp.ts'

/** Valid parameters. Times are milliseconds since 1970. */
export interface UploadParams {
  readonly maxDurationSeconds: number
  readonly uploadExpiry: number
  readonly creator: string | null
  readonly meta: Meta
  readonly allowedOrigins: readonly string[]
  readonly requireSignedURLs: boolean
  readonly scheduledDeletion: number | null
  readonly thumbnailTimestampPct: number
  /** Uid of a watermark profile; null without one. */
  readonly watermark: string | null
}

/** Accepts 1 to 36000 whole seconds. */
export function checkMaxDuration(seconds: number): number {
  if (Number.isInteger(seconds) && seconds >= 1 && seconds <= MAX_DURATION_SECONDS) return seconds
  throw badRequest(`maxDurationSeconds must be an integer from 1 to ${MAX_DURATION_SECONDS}`)
}

/** Accepts an RFC 3339 time 2 minutes to 6 hours ahead, with 5 seconds tolerance. */
export function checkExpiry(text: string, now: number): number {
  const expiry = parseMilliseconds(text)
  if (expiry === null) throw badRequest('expiry must be an RFC 3339 time')
  const ahead = expiry - now
  if (ahead < MIN_EXPIRY_MS - EXPIRY_SLACK_MS || ahead > MAX_EXPIRY_MS + EXPIRY_SLACK_MS) {
    throw badRequest('expiry must be between 2 minutes and 6 hours from now')
  }
  return expiry
}

/** Accepts an RFC 3339 time 30 to 1,096 days ahead, with 5 seconds tolerance. */
export function checkScheduledDeletion(text: string, now: number): number {
  const deletion = parseMilliseconds(text)
  if (deletion === null) throw badRequest('scheduledDeletion must be an RFC 3339 time')
  const ahead = deletion - now
  if (
    ahead < MIN_SCHEDULED_DELETION_MS - EXPIRY_SLACK_MS ||
    ahead > MAX_SCHEDULED_DELETION_MS + EXPIRY_SLACK_MS
  ) {
    throw badRequest('scheduledDeletion must be 30 to 1096 days from now')
  }
  return deletion
}

export function checkThumbnailTimestampPct(share: number): number {
  if (share >= 0 && share <= 1) return share
  throw badRequest('thumbnailTimestampPct must be between 0 and 1')
}

/** Returns null for null, undefined and the empty string: no creator. */
export function checkCreator(creator: string | null | undefined): string | null {
  if (creator === undefined || creator === null || creator === '') return null
  if (Array.from(creator).length <= MAX_CREATOR_CHARACTERS) return creator
  throw badRequest(`creator must be at most ${MAX_CREATOR_CHARACTERS} characters long`)
}

/** A host with optional port and optional `*.` wildcard; no scheme and no path. */
const HOST =
  /^(\*\.)?[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?)*(:\d{1,5})?$/i

export function checkAllowedOrigins(origins: readonly string[]): readonly string[] {
  const invalidOrigin = origins.find((origin) => !(origin === '*' || HOST.test(origin)))
  if (invalidOrigin === undefined) return origins
  throw badRequest(
    `allowedOrigins must be hosts without scheme or path, such as example.com: "${invalidOrigin.slice(0, 100)}" is not`,
  )
}
