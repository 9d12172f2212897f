/** Validates a request before it is sent to Stream. Each issue states the rule. */
import type { LimitsInForce } from '../caller-limits.ts'
import {
  CREATOR_RULE,
  MAX_EXPIRY_MS,
  MAX_SCHEDULED_DELETION_MS,
  MAX_TUS_BYTES,
  MIN_EXPIRY_MS,
  MIN_SCHEDULED_DELETION_MS,
  isValidCreator,
} from '../limits.ts'
import { isMetaTooLarge, validateMeta } from './validate-meta.ts'
import { WELL_FORMED_RULE, isWellFormed } from './well-formed.ts'
import type { InputIssue } from '../outcomes.ts'
import type { UploadRequest } from './upload-request.ts'

const MAX_NAME_LENGTH = 256
export const NAME_CONFLICT = 'conflicts with `name`: set only one of them.'
const MAX_ALLOWED_ORIGINS = 100

/** Maximum total characters of the origins, because a tus creation sends them in a header. */
const MAX_ORIGINS_LENGTH = 4096
const MAX_KEY_LENGTH = 255

/** Returns all issues; empty for a valid request. */
export function validateRequest(
  request: UploadRequest,
  limits: Pick<LimitsInForce, 'maxDurationSeconds' | 'maxSizeBytes'>,
  now: Date,
): InputIssue[] {
  return [
    ...validateDuration(request.maxDurationSeconds, limits),
    ...validateSize(request, limits),
    ...validateExpiry(request.expiry, now),
    ...validateName(request),
    ...validateMeta(request),
    ...validateOrigins(request.allowedOrigins ?? []),
    ...validateScheduledDeletion(request.scheduledDeletion, now),
    ...validateThumbnail(request.thumbnailTimestampPct),
    ...validateCreator(request.creator),
  ]
}

/**
 * Returns the issues of an idempotency key. Called before `validateRequest`, because an earlier outcome of the
 * key is returned without validation of the request.
 */
export function validateIdempotencyKey(key: string | null): InputIssue[] {
  if (key === null) return []
  if (!isWellFormed(key)) return [issue('idempotencyKey', WELL_FORMED_RULE)]
  const isValid = key.length >= 1 && key.length <= MAX_KEY_LENGTH
  return isValid ? [] : [issue('idempotencyKey', `must have 1 to ${MAX_KEY_LENGTH} characters.`)]
}

export function issue(field: string, message: string): InputIssue {
  return { path: [field], message }
}

export function validateDuration(
  seconds: number,
  { maxDurationSeconds: max }: Pick<LimitsInForce, 'maxDurationSeconds'>,
): InputIssue[] {
  const isValid = Number.isInteger(seconds) && seconds >= 1 && seconds <= max
  return isValid ? [] : [issue('maxDurationSeconds', `must be a whole number from 1 to ${max}.`)]
}

function validateSize(
  { protocol, sizeBytes }: UploadRequest,
  { maxSizeBytes }: Pick<LimitsInForce, 'maxSizeBytes'>,
): InputIssue[] {
  if (protocol === 'BASIC' && sizeBytes === null) return []
  const isValid =
    sizeBytes !== null && Number.isInteger(sizeBytes) && sizeBytes >= 1 && sizeBytes <= maxSizeBytes
  if (isValid) return []
  return [
    issue(
      'sizeBytes',
      `must be the exact size of the file in bytes, from 1 to ${maxSizeBytes}${maxSizeBytes === MAX_TUS_BYTES ? ' (30 GB)' : ''}.`,
    ),
  ]
}

export function validateExpiry(expiry: Date | null, now: Date): InputIssue[] {
  if (expiry === null) return []
  const ahead = expiry.getTime() - now.getTime()
  if (ahead >= MIN_EXPIRY_MS && ahead <= MAX_EXPIRY_MS) return []
  const earliest = new Date(now.getTime() + MIN_EXPIRY_MS).toISOString()
  const latest = new Date(now.getTime() + MAX_EXPIRY_MS).toISOString()
  return [issue('expiry', `must be 2 minutes to 6 hours ahead: now from ${earliest} to ${latest}.`)]
}

export function validateName({ name, meta }: Pick<UploadRequest, 'name' | 'meta'>): InputIssue[] {
  const issues: InputIssue[] = []
  if (name !== null && (name.length === 0 || name.length > MAX_NAME_LENGTH)) {
    issues.push(issue('name', `must have 1 to ${MAX_NAME_LENGTH} characters.`))
  }
  if (!isWellFormed(name)) issues.push(issue('name', WELL_FORMED_RULE))
  if (name !== null && meta !== null && Object.hasOwn(meta, 'name') && meta['name'] !== name) {
    issues.push({ path: ['meta', 'name'], message: NAME_CONFLICT })
  }
  return issues
}

/**
 * Matches a host with an optional port, without scheme and path. "*.example.com" allows subdomains, but not
 * example.com itself. `localhost` requires a port.
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

/** Whether a value is larger than that of any valid request. Such a request never had another outcome. */
export function isTooLarge({ meta, allowedOrigins }: UploadRequest): boolean {
  const origins = allowedOrigins ?? []
  return (
    isMetaTooLarge(meta) ||
    origins.length > MAX_ALLOWED_ORIGINS ||
    origins.some((origin) => origin.length > MAX_ORIGINS_LENGTH)
  )
}

export function validateOrigins(origins: readonly string[]): InputIssue[] {
  if (origins.length > MAX_ALLOWED_ORIGINS) {
    // They are not checked: there may be thousands.
    return [issue('allowedOrigins', `must have at most ${MAX_ALLOWED_ORIGINS} entries.`)]
  }
  const issues: InputIssue[] = []
  if (origins.join(',').length > MAX_ORIGINS_LENGTH) {
    issues.push(
      issue('allowedOrigins', `must have at most ${MAX_ORIGINS_LENGTH} characters in total.`),
    )
  }
  for (const [index, origin] of origins.entries()) {
    if (isHost(origin)) continue
    issues.push({
      path: ['allowedOrigins', String(index)],
      message:
        'must be a host such as "example.com", "*.example.com" or "localhost:3000", without scheme and path.',
    })
  }
  return issues
}

export function validateScheduledDeletion(at: Date | null, now: Date): InputIssue[] {
  if (at === null) return []
  const ahead = at.getTime() - now.getTime()
  if (ahead >= MIN_SCHEDULED_DELETION_MS && ahead <= MAX_SCHEDULED_DELETION_MS) return []
  return [issue('scheduledDeletion', 'must be 30 to 1,096 days ahead.')]
}

export function validateThumbnail(fraction: number | null): InputIssue[] {
  const isValid = fraction === null || (fraction >= 0 && fraction <= 1)
  return isValid
    ? []
    : [issue('thumbnailTimestampPct', 'must be from 0 to 1, a share of the duration.')]
}

function validateCreator(creator: string | null): InputIssue[] {
  return creator === null || isValidCreator(creator) ? [] : [issue('creator', CREATOR_RULE)]
}
