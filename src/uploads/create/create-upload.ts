/**
 * Use case: mints an upload URL. Records a reservation, then requests the URL from Stream. A rejected request
 * leaves no reservation, and retries with the same idempotency key mint only one upload.
 */
import type { Reservation, ReserveOutcome } from '../ports/upload-store.ts'
import type { Dependencies } from '../dependencies.ts'
import {
  type CreateUploadOutcome,
  type Forbidden,
  type InvalidInput,
  creatorQuotaExceeded,
  forbidden,
  invalidInput,
  rateLimited,
  tusUnsupported,
} from '../outcomes.ts'
import type { Viewer } from '../viewer.ts'
import { type KeyInUse, createOnce, keysSince } from './idempotency.ts'
import { mintUpload } from './mint-upload.ts'
import { createReservation } from './reservation.ts'
import type { UploadRequest } from './upload-request.ts'
import { validateIdempotencyKey, validateRequest } from './validate-request.ts'

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

/** Creator, caller and fingerprint of a request. */
type RequestIdentity = Pick<Reservation, 'creator' | 'requestedBy' | 'fingerprint'>

/** Mints an upload URL, or returns the upload of an earlier request with the same idempotency key. */
export async function createUpload(
  dependencies: CreateDependencies,
  viewer: Viewer,
  request: UploadRequest,
): Promise<CreateUploadOutcome> {
  const requestedBy = viewer.subject
  const creator = request.creator ?? requestedBy
  const outcome =
    checkCreator(viewer, creator) ??
    checkIdempotencyKey(request) ??
    (await createOnce(dependencies, requestedBy, request, (fingerprint, now) =>
      create(dependencies, { creator, requestedBy, fingerprint }, request, now),
    ))
  dependencies.telemetry.minted(request.protocol, outcome.kind)
  return outcome
}

function checkCreator({ subject, isAdmin }: Viewer, creator: string): Forbidden | null {
  if (creator === subject || isAdmin) return null
  return forbidden('Only an administrator may create uploads for another creator. Omit `creator`.')
}

function checkIdempotencyKey({ idempotencyKey }: UploadRequest): InvalidInput | null {
  const issues = validateIdempotencyKey(idempotencyKey)
  return issues.length > 0 ? invalidInput(issues) : null
}

async function create(
  dependencies: CreateDependencies,
  identity: RequestIdentity,
  request: UploadRequest,
  now: Date,
): Promise<CreateUploadOutcome | KeyInUse> {
  const { store, stream, clock, policy, createLimit } = dependencies
  const issues = validateRequest(request, policy, now)
  if (issues.length > 0) return invalidInput(issues)
  if (request.protocol === 'TUS' && !stream.capabilities.tusUploads) {
    return tusUnsupported(request.sizeBytes ?? 0)
  }

  const consumed = await createLimit.consume(identity.requestedBy)
  if (consumed.kind === 'rejected') {
    return rateLimited(
      `Rate limit exceeded: ${policy.createsPerMinute} uploads per minute.`,
      consumed.retryAfterSeconds,
    )
  }

  // Reads the clock again: other gateways derive from `createdAt` whether the creation may still be in flight.
  const context = { id: dependencies.newId(), createdAt: clock.now(), ...identity }
  const reservation = createReservation(request, context)
  const { creatorQuotaSeconds, watermarkUid } = policy
  let reserved: ReserveOutcome
  try {
    const keysValidSince = keysSince(now)
    reserved = await store.reserve(reservation, { creatorQuotaSeconds, keysValidSince })
  } catch (error) {
    await createLimit.giveBack(identity.requestedBy, consumed.at)
    throw error
  }
  if (reserved.kind === 'over-quota') {
    const { maxDurationSeconds } = reservation.constraints
    return creatorQuotaExceeded(creatorQuotaSeconds ?? 0, maxDurationSeconds, reserved.usedSeconds)
  }
  if (reserved.kind === 'key-in-use') return reserved
  const { thumbnailTimestampPct } = request
  return mintUpload(dependencies, reservation, { thumbnailTimestampPct, watermarkUid })
}
