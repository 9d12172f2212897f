/**
 * Use case: mints an upload URL. Records a reservation, requests the URL from Stream, then returns it. A
 * rejected request reserves nothing, and retries with an idempotency key mint nothing twice.
 */
import type { IdempotentUpload, Reservation, ReserveOutcome } from '../ports/upload-store.ts'
import { waitForOutcome } from './wait-for-outcome.ts'
import { validateIdempotencyKey, validateRequest } from './validate-request.ts'
import { type Fingerprints, fingerprintsOf } from './fingerprint.ts'
import { mintUpload } from './mint-upload.ts'
import type { Dependencies } from '../dependencies.ts'
import { IDEMPOTENCY_KEY_MS } from '../limits.ts'
import {
  type CreateUploadOutcome,
  type QuotaExceeded,
  forbidden,
  idempotencyConflict,
  invalidInput,
  rateLimited,
  tusUnsupported,
} from '../outcomes.ts'
import { createReservation } from './reservation.ts'
import { resolveReservation } from './resolve-reservation.ts'
import type { UploadRequest } from './upload-request.ts'
import type { Viewer } from '../viewer.ts'

type CreateDependencies = Pick<
  Dependencies,
  | 'stream'
  | 'store'
  | 'pubsub'
  | 'clock'
  | 'log'
  | 'telemetry'
  | 'policy'
  | 'createLimit'
  | 'mintsInFlight'
  | 'closing'
  | 'newId'
  | 'readVideo'
>

export async function createUpload(
  dependencies: CreateDependencies,
  viewer: Viewer,
  request: UploadRequest,
): Promise<CreateUploadOutcome> {
  const outcome = await createIdempotently(dependencies, viewer, request)
  dependencies.telemetry.minted(request.protocol, outcome.kind)
  return outcome
}

/** Concurrent requests with the same key share one outcome. */
async function createIdempotently(
  dependencies: CreateDependencies,
  viewer: Viewer,
  request: UploadRequest,
): Promise<CreateUploadOutcome> {
  const creator = request.creator ?? viewer.subject
  if (creator !== viewer.subject && !viewer.isAdmin) {
    return forbidden(
      'Only an administrator may create uploads for another creator. Omit `creator`.',
    )
  }
  const keyIssues = validateIdempotencyKey(request.idempotencyKey)
  if (keyIssues.length > 0) return invalidInput(keyIssues)

  // No fingerprint is needed without a key.
  if (request.idempotencyKey === null)
    return reserveAndMint(dependencies, viewer, creator, request, [''])

  const fingerprints = await fingerprintsOf(request, viewer.subject)
  const [fingerprint] = fingerprints
  const slot = JSON.stringify([viewer.subject, request.idempotencyKey])
  const inFlight = dependencies.mintsInFlight.get(slot)
  if (inFlight !== undefined) {
    return inFlight.fingerprint === fingerprint ? inFlight.outcome : idempotencyConflict()
  }
  const outcome = reserveAndMint(dependencies, viewer, creator, request, fingerprints)
  dependencies.mintsInFlight.set(slot, { fingerprint, outcome })
  try {
    return await outcome
  } finally {
    dependencies.mintsInFlight.delete(slot)
  }
}

async function reserveAndMint(
  dependencies: CreateDependencies,
  viewer: Viewer,
  creator: string,
  request: UploadRequest,
  fingerprints: Fingerprints,
): Promise<CreateUploadOutcome> {
  const now = dependencies.clock.now()
  const previous = await findPrevious(dependencies, viewer, request, fingerprints, now)
  if (previous !== null) return previous

  const issues = validateRequest(request, dependencies.policy, now)
  if (issues.length > 0) return invalidInput(issues)
  if (request.protocol === 'TUS' && !dependencies.stream.capabilities.tusUploads) {
    return tusUnsupported(request.sizeBytes ?? 0)
  }

  const retryAfterSeconds = await dependencies.createLimit.consume(viewer.subject)
  if (retryAfterSeconds !== null) {
    const maxPerMinute = dependencies.policy.createsPerMinute
    return rateLimited(
      `Rate limit exceeded: ${maxPerMinute} uploads per minute.`,
      retryAfterSeconds,
    )
  }

  const reservation = createReservation(request, {
    id: dependencies.newId(),
    creator,
    requestedBy: viewer.subject,
    fingerprint: fingerprints[0],
    // Not `now`: from the age others conclude whether the creation is still in flight.
    createdAt: dependencies.clock.now(),
  })
  const reserved = await dependencies.store.reserve(
    reservation,
    reserveOptionsAt(dependencies, now),
  )
  if (reserved.kind === 'over-quota') return quotaExceeded(dependencies, reservation, reserved)
  if (reserved.kind === 'key-in-use') {
    const existing = await outcomeOfKey(dependencies, viewer, request, fingerprints, reserved, now)
    // The other request released its reservation: the key is free again.
    if (existing === null)
      return reserveAndMint(dependencies, viewer, creator, request, fingerprints)
    return outcomeForExistingKey(existing, fingerprints)
  }
  return mintUpload(dependencies, reservation, request.thumbnailTimestampPct)
}

/** Returns the outcome of an earlier request with this key; null if there is none. */
async function findPrevious(
  dependencies: CreateDependencies,
  viewer: Viewer,
  request: UploadRequest,
  fingerprints: Fingerprints,
  now: Date,
): Promise<CreateUploadOutcome | null> {
  const { idempotencyKey } = request
  if (idempotencyKey === null) return null
  const found = await dependencies.store.findByKey(viewer.subject, idempotencyKey, keysSince(now))
  if (found === null) return null
  const earlier = await outcomeOfKey(dependencies, viewer, request, fingerprints, found, now)
  if (earlier === null) return null
  if (earlier.upload !== null || !fingerprints.includes(earlier.reservation.fingerprint)) {
    return outcomeForExistingKey(earlier, fingerprints)
  }
  // No request of this process is minting it: an earlier attempt was interrupted and left at most one
  // video, whose URL is lost. That video is deleted, and the caller gets a new URL.
  const resolved = await resolveReservation(dependencies, earlier.reservation)
  return resolved === 'released' ? null : outcomeForExistingKey(earlier, fingerprints)
}

/** Another gateway may be processing an equal request: then waits for its outcome. */
async function outcomeOfKey(
  dependencies: CreateDependencies,
  viewer: Viewer,
  { idempotencyKey }: UploadRequest,
  fingerprints: Fingerprints,
  found: IdempotentUpload,
  now: Date,
): Promise<IdempotentUpload | null> {
  if (idempotencyKey === null || !fingerprints.includes(found.reservation.fingerprint)) return found
  const key = { requestedBy: viewer.subject, key: idempotencyKey, since: keysSince(now) }
  return waitForOutcome(dependencies, key, found)
}

function outcomeForExistingKey(
  { reservation, upload }: IdempotentUpload,
  fingerprints: Fingerprints,
): CreateUploadOutcome {
  if (!fingerprints.includes(reservation.fingerprint)) return idempotencyConflict()
  if (upload !== null) return { kind: 'Minted', upload, uploadURL: upload.uploadURL }
  return {
    kind: 'StreamError',
    code: 'STREAM_UNAVAILABLE',
    message: 'A request with this idempotency key is still in progress. Retry.',
    retryable: true,
  }
}

function quotaExceeded(
  { policy }: CreateDependencies,
  reservation: Reservation,
  { heldSeconds }: Extract<ReserveOutcome, { kind: 'over-quota' }>,
): QuotaExceeded {
  const quotaSeconds = policy.creatorQuotaSeconds ?? 0
  const availableMinutes = Math.max(0, quotaSeconds - heldSeconds) / 60
  return {
    kind: 'QuotaExceededError',
    code: 'QUOTA_EXCEEDED',
    message: `Creator quota exceeded: ${quotaSeconds / 60} minutes, reserved and stored together.`,
    requestedMinutes: reservation.constraints.maxDurationSeconds / 60,
    availableMinutes,
  }
}

function keysSince(now: Date): Date {
  return new Date(now.getTime() - IDEMPOTENCY_KEY_MS)
}

function reserveOptionsAt({ policy }: CreateDependencies, now: Date) {
  return { creatorQuotaSeconds: policy.creatorQuotaSeconds, forgetKeysBefore: keysSince(now) }
}
