/** Checks a request before Stream is asked: every issue at once, each with what would be right. */
import {
  CREATOR_RULE,
  MAX_EXPIRY_MS,
  MAX_SCHEDULED_DELETION_MS,
  MAX_STREAM_DURATION_SECONDS,
  MAX_TUS_BYTES,
  MIN_EXPIRY_MS,
  MIN_SCHEDULED_DELETION_MS,
  type Policy,
  isCreator,
} from '../policy.ts'
import { checkMeta } from './validate-meta.ts'
import type { InputIssue } from '../outcomes.ts'
import type { UploadRequest } from './upload-request.ts'

const MAX_NAME_LENGTH = 256
const MAX_ALLOWED_ORIGINS = 100
/** A tus creation carries them in a header, which has room for so many characters. */
const MAX_ORIGINS_LENGTH = 4096
const MAX_KEY_LENGTH = 255

/** What is wrong with the request; empty where nothing is. */
export function checkRequest(request: UploadRequest, policy: Policy, now: Date): InputIssue[] {
  return [
    ...checkDuration(request.maxDurationSeconds, policy),
    ...checkSize(request),
    ...checkExpiry(request.expiry, now),
    ...checkName(request),
    ...checkMeta(request),
    ...checkOrigins(request.allowedOrigins ?? []),
    ...checkScheduledDeletion(request.scheduledDeletion, now),
    ...checkThumbnail(request.thumbnailTimestampPct),
    ...checkCreator(request.creator),
  ]
}

/** An idempotency key is judged first, because it decides whether the rest is asked at all. */
export function checkIdempotencyKey(key: string | null): InputIssue[] {
  const fits = key === null || (key.length >= 1 && key.length <= MAX_KEY_LENGTH)
  return fits ? [] : [issue('idempotencyKey', `must have 1 to ${MAX_KEY_LENGTH} characters.`)]
}

function issue(field: string, message: string): InputIssue {
  return { path: [field], message }
}

function checkDuration(seconds: number, policy: Policy): InputIssue[] {
  const most = Math.min(policy.maxDurationSeconds, MAX_STREAM_DURATION_SECONDS)
  const fits = Number.isInteger(seconds) && seconds >= 1 && seconds <= most
  return fits ? [] : [issue('maxDurationSeconds', `must be a whole number from 1 to ${most}.`)]
}

function checkSize({ protocol, sizeBytes }: UploadRequest): InputIssue[] {
  if (protocol === 'BASIC') return []
  const fits =
    sizeBytes !== null &&
    Number.isInteger(sizeBytes) &&
    sizeBytes >= 1 &&
    sizeBytes <= MAX_TUS_BYTES
  if (fits) return []
  return [
    issue(
      'sizeBytes',
      `must be the exact size of the file in bytes, from 1 to ${MAX_TUS_BYTES} (30 GB).`,
    ),
  ]
}

function checkExpiry(expiry: Date | null, now: Date): InputIssue[] {
  if (expiry === null) return []
  const ahead = expiry.getTime() - now.getTime()
  if (ahead >= MIN_EXPIRY_MS && ahead <= MAX_EXPIRY_MS) return []
  const earliest = new Date(now.getTime() + MIN_EXPIRY_MS).toISOString()
  const latest = new Date(now.getTime() + MAX_EXPIRY_MS).toISOString()
  return [
    issue(
      'expiry',
      `must be 2 minutes to 6 hours ahead: from ${earliest} to ${latest} at this moment.`,
    ),
  ]
}

function checkName({ name, meta }: UploadRequest): InputIssue[] {
  const issues: InputIssue[] = []
  if (name !== null && (name.length === 0 || name.length > MAX_NAME_LENGTH)) {
    issues.push(issue('name', `must have 1 to ${MAX_NAME_LENGTH} characters.`))
  }
  if (name !== null && meta !== null && Object.hasOwn(meta, 'name') && meta['name'] !== name) {
    issues.push({ path: ['meta', 'name'], message: 'differs from `name`: give the name once.' })
  }
  return issues
}

/**
 * "*.example.com" covers subdomains but not the apex; no scheme, no path; localhost needs its port.
 * https://developers.cloudflare.com/stream/viewing-videos/securing-your-stream/
 */
const HOST =
  /^((?:\*\.)?[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)*)(?::(\d{1,5}))?$/i

function isHost(origin: string): boolean {
  const [, host, port] = HOST.exec(origin) ?? []
  if (host === undefined || host.length > 253) return false
  if (port === undefined) return host.toLowerCase() !== 'localhost'
  return Number(port) >= 1 && Number(port) <= 65_535
}

function checkOrigins(origins: readonly string[]): InputIssue[] {
  const issues: InputIssue[] = []
  if (origins.length > MAX_ALLOWED_ORIGINS) {
    issues.push(issue('allowedOrigins', `must have at most ${MAX_ALLOWED_ORIGINS} entries.`))
  }
  if (origins.join(',').length > MAX_ORIGINS_LENGTH) {
    issues.push(
      issue('allowedOrigins', `must have at most ${MAX_ORIGINS_LENGTH} characters in all.`),
    )
  }
  for (const [index, origin] of origins.slice(0, MAX_ALLOWED_ORIGINS).entries()) {
    if (isHost(origin)) continue
    issues.push({
      path: ['allowedOrigins', String(index)],
      message:
        'must be a host such as "example.com", "*.example.com" or "localhost:3000", without scheme and path.',
    })
  }
  return issues
}

function checkScheduledDeletion(at: Date | null, now: Date): InputIssue[] {
  if (at === null) return []
  const ahead = at.getTime() - now.getTime()
  if (ahead >= MIN_SCHEDULED_DELETION_MS && ahead <= MAX_SCHEDULED_DELETION_MS) return []
  return [issue('scheduledDeletion', 'must be 30 to 1,096 days ahead.')]
}

function checkThumbnail(share: number | null): InputIssue[] {
  const fits = share === null || (share >= 0 && share <= 1)
  return fits
    ? []
    : [issue('thumbnailTimestampPct', 'must be from 0 to 1, a share of the duration.')]
}

function checkCreator(creator: string | null): InputIssue[] {
  return creator === null || isCreator(creator) ? [] : [issue('creator', CREATOR_RULE)]
}
