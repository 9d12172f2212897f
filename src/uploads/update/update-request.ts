/** A request to change an upload, and its validation. */
import type { JsonObject } from '../../shared/json.ts'
import type { LimitsInForce } from '../caller-limits.ts'
import {
  NAME_CONFLICT,
  issue,
  validateDuration,
  validateExpiry,
  validateName,
  validateOrigins,
  validateScheduledDeletion,
  validateThumbnail,
} from '../create/validate-request.ts'
import { validateMeta } from '../create/validate-meta.ts'
import type { InputIssue } from '../outcomes.ts'
import type { StreamCapabilities } from '../ports/stream-api.ts'
import { type Upload, isUsable } from '../upload.ts'

/** Null leaves a field as it is, except for `name` and `scheduledDeletion`: undefined does, and null removes. */
export interface UpdateRequest {
  readonly uid: string
  readonly expectedVersion: number | null
  readonly name: string | null | undefined
  /** Replaces the whole object. */
  readonly meta: JsonObject | null
  readonly allowedOrigins: readonly string[] | null
  readonly requireSignedURLs: boolean | null
  readonly scheduledDeletion: Date | null | undefined
  /** Fraction of the duration, 0 to 1. */
  readonly thumbnailTimestampPct: number | null
  /** Only until the file is received. */
  readonly maxDurationSeconds: number | null
  /** Only until the file is received. */
  readonly expiry: Date | null
}

/** Returns all issues; empty for a valid request. The rules are those of a creation. */
export function validateUpdate(
  request: UpdateRequest,
  upload: Upload,
  capabilities: Pick<StreamCapabilities, 'deadlineChanges'>,
  limits: Pick<LimitsInForce, 'maxDurationSeconds'>,
  now: Date,
): InputIssue[] {
  if (upload.status === 'DELETED') {
    return [issue('uid', 'is the uid of a deleted upload, which cannot be changed.')]
  }
  const { maxDurationSeconds, expiry } = request
  return [
    ...validateNameChange(request),
    ...validateMeta({ protocol: upload.protocol, meta: request.meta }),
    ...validateOrigins(request.allowedOrigins ?? []),
    ...validateScheduledDeletion(request.scheduledDeletion ?? null, now),
    ...validateThumbnail(request.thumbnailTimestampPct),
    ...(maxDurationSeconds === null
      ? []
      : [
          ...validateIsUsable('maxDurationSeconds', upload, now),
          ...validateDuration(maxDurationSeconds, limits),
        ]),
    ...(expiry === null
      ? []
      : [
          ...validateIsUsable('expiry', upload, now),
          ...validateExpiry(expiry, now),
          ...(capabilities.deadlineChanges
            ? []
            : [issue('expiry', 'cannot be changed by a gateway without a Cloudflare API token.')]),
        ]),
  ]
}

function validateNameChange({ name, meta }: UpdateRequest): InputIssue[] {
  if (name !== null) return validateName({ name: name ?? null, meta })
  const isConflict = meta !== null && Object.hasOwn(meta, 'name')
  return isConflict ? [{ path: ['meta', 'name'], message: NAME_CONFLICT }] : []
}

function validateIsUsable(field: string, upload: Upload, now: Date): InputIssue[] {
  if (isUsable(upload, now)) return []
  const reason =
    upload.status === 'PENDING_UPLOAD' || upload.status === 'UPLOADING'
      ? `its URL expired at ${upload.expiresAt.toISOString()}`
      : `its status is ${upload.status}`
  return [issue(field, `can only be changed while the upload URL can be used: ${reason}.`)]
}
