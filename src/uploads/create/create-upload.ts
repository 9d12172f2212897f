/**
 * Mints an upload URL: written down first, asked for second, handed out third. Nothing is reserved
 * or recorded by a request that fails, and nothing is minted twice.
 */
import type { KeyedUpload, Reservation, ReserveOutcome } from '../ports/upload-store.ts'
import { awaitOutcome } from '../await-outcome.ts'
import { checkIdempotencyKey, checkRequest } from './validate-request.ts'
import { type Fingerprints, fingerprintsOf } from './fingerprint.ts'
import { type Minted, mintReserved } from './mint-upload.ts'
import type { Parts } from '../dependencies.ts'
import { IDEMPOTENCY_KEY_MS } from '../policy.ts'
import {
  type Forbidden,
  type IdempotencyConflict,
  type InvalidInput,
  type QuotaExceeded,
  type RateLimited,
  type StreamFailed,
  forbidden,
  idempotencyConflict,
  invalidInput,
  noTusUploads,
  rateLimited,
} from '../outcomes.ts'
import { reservationFor } from './reservation.ts'
import { settleReservation } from '../settle-reservation.ts'
import type { UploadRequest } from './upload-request.ts'
import type { Viewer } from '../viewer.ts'

export type CreateUploadOutcome =
  | Minted
  | InvalidInput
  | QuotaExceeded
  | RateLimited
  | Forbidden
  | IdempotencyConflict
  | StreamFailed

/** Callers that come with the same key while the first is under way get the first one's outcome. */
export type MintsUnderWay = Map<
  string,
  { fingerprint: string; outcome: Promise<CreateUploadOutcome> }
>

type CreateParts = Pick<
  Parts,
  | 'stream'
  | 'store'
  | 'events'
  | 'clock'
  | 'log'
  | 'telemetry'
  | 'policy'
  | 'createLimit'
  | 'mintsUnderWay'
  | 'closing'
  | 'newId'
  | 'readVideo'
>

export async function createUpload(
  parts: CreateParts,
  viewer: Viewer,
  request: UploadRequest,
): Promise<CreateUploadOutcome> {
  const outcome = await createOnce(parts, viewer, request)
  parts.telemetry.minted(request.protocol, outcome.kind)
  return outcome
}

/** Those who ask with the same key at the same time get the same outcome. */
async function createOnce(
  parts: CreateParts,
  viewer: Viewer,
  request: UploadRequest,
): Promise<CreateUploadOutcome> {
  const creator = request.creator ?? viewer.subject
  if (creator !== viewer.subject && !viewer.isAdmin) {
    return forbidden('Only an administrator may mint for another creator: leave `creator` out.')
  }
  const keyIssues = checkIdempotencyKey(request.idempotencyKey)
  if (keyIssues.length > 0) return invalidInput(keyIssues)

  // Without a key there is nothing to tell it from.
  if (request.idempotencyKey === null) return mint(parts, viewer, creator, request, [''])

  const fingerprints = await fingerprintsOf(request, viewer.subject)
  const [fingerprint] = fingerprints
  const slot = JSON.stringify([viewer.subject, request.idempotencyKey])
  const underWay = parts.mintsUnderWay.get(slot)
  if (underWay !== undefined) {
    return underWay.fingerprint === fingerprint ? underWay.outcome : idempotencyConflict()
  }
  const outcome = mint(parts, viewer, creator, request, fingerprints)
  parts.mintsUnderWay.set(slot, { fingerprint, outcome })
  try {
    return await outcome
  } finally {
    parts.mintsUnderWay.delete(slot)
  }
}

async function mint(
  parts: CreateParts,
  viewer: Viewer,
  creator: string,
  request: UploadRequest,
  fingerprints: Fingerprints,
): Promise<CreateUploadOutcome> {
  const now = parts.clock.now()
  const remembered = await recall(parts, viewer, request, fingerprints, now)
  if (remembered !== null) return remembered

  const issues = checkRequest(request, parts.policy, now)
  if (issues.length > 0) return invalidInput(issues)
  if (request.protocol === 'TUS' && !parts.stream.capabilities.tusUploads) {
    return noTusUploads(request.sizeBytes ?? 0)
  }

  const wait = await parts.createLimit.take(viewer.subject)
  if (wait !== null) {
    const most = parts.policy.createsPerMinute
    return rateLimited(`You may mint ${most} uploads a minute.`, wait)
  }

  const reservation = reservationFor(request, {
    id: parts.newId(),
    creator,
    requestedBy: viewer.subject,
    fingerprint: fingerprints[0],
    // Not when it was asked for: whoever finds it open later tells by its age whether it is on its way.
    createdAt: parts.clock.now(),
  })
  const reserved = await parts.store.reserve(reservation, rulesAt(parts, now))
  if (reserved.kind === 'over-quota') return overQuota(parts, reservation, reserved)
  if (reserved.kind === 'taken') {
    const taken = await outcomeOf(parts, viewer, request, fingerprints, reserved, now)
    // Whoever was faster gave up: the key is free again.
    if (taken === null) return mint(parts, viewer, creator, request, fingerprints)
    return answerTaken(taken, fingerprints)
  }
  return mintReserved(parts, reservation, request.thumbnailTimestampPct)
}

/** What an earlier request with this key came to; null where there was none that counts. */
async function recall(
  parts: CreateParts,
  viewer: Viewer,
  request: UploadRequest,
  fingerprints: Fingerprints,
  now: Date,
): Promise<CreateUploadOutcome | null> {
  const { idempotencyKey } = request
  if (idempotencyKey === null) return null
  const found = await parts.store.findByKey(viewer.subject, idempotencyKey, keysSince(now))
  if (found === null) return null
  const earlier = await outcomeOf(parts, viewer, request, fingerprints, found, now)
  if (earlier === null) return null
  if (earlier.upload !== null || !fingerprints.includes(earlier.reservation.fingerprint)) {
    return answerTaken(earlier, fingerprints)
  }
  // Nobody here is minting it: an earlier attempt was cut off, and left one of its own behind at
  // most. Its URL is lost, so that is deleted, and the caller gets a new one.
  const settled = await settleReservation(parts, earlier.reservation)
  return settled === 'released' ? null : answerTaken(earlier, fingerprints)
}

/** Another gateway may be at it with the same wishes: then its outcome is everybody's. */
async function outcomeOf(
  parts: CreateParts,
  viewer: Viewer,
  { idempotencyKey }: UploadRequest,
  fingerprints: Fingerprints,
  found: KeyedUpload,
  now: Date,
): Promise<KeyedUpload | null> {
  if (idempotencyKey === null || !fingerprints.includes(found.reservation.fingerprint)) return found
  const key = { requestedBy: viewer.subject, key: idempotencyKey, since: keysSince(now) }
  return awaitOutcome(parts, key, found)
}

function answerTaken(
  { reservation, upload }: KeyedUpload,
  fingerprints: Fingerprints,
): CreateUploadOutcome {
  if (!fingerprints.includes(reservation.fingerprint)) return idempotencyConflict()
  if (upload !== null) return { kind: 'Minted', upload, uploadURL: upload.uploadURL }
  return {
    kind: 'StreamError',
    code: 'STREAM_UNAVAILABLE',
    message: 'An earlier request with this key is not settled yet. Try again in a moment.',
    retryable: true,
  }
}

function overQuota(
  { policy }: CreateParts,
  reservation: Reservation,
  { heldSeconds }: Extract<ReserveOutcome, { kind: 'over-quota' }>,
): QuotaExceeded {
  const quotaSeconds = policy.creatorQuotaSeconds ?? 0
  const availableMinutes = Math.max(0, quotaSeconds - heldSeconds) / 60
  return {
    kind: 'QuotaExceededError',
    code: 'QUOTA_EXCEEDED',
    message: `One creator may hold ${quotaSeconds / 60} minutes of video, reserved and stored together.`,
    requestedMinutes: reservation.constraints.maxDurationSeconds / 60,
    availableMinutes,
  }
}

function keysSince(now: Date): Date {
  return new Date(now.getTime() - IDEMPOTENCY_KEY_MS)
}

function rulesAt({ policy }: CreateParts, now: Date) {
  return { creatorQuotaSeconds: policy.creatorQuotaSeconds, forgetKeysBefore: keysSince(now) }
}
