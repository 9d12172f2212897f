/**
 * Use case: mints an upload URL. Records a reservation, then requests the URL from Stream. A rejected request
 * leaves no reservation, and retries with the same idempotency key mint only one upload.
 */
import type { Reservation } from '../ports/upload-store.ts'
import type { Dependencies } from '../dependencies.ts'
import {
  type CreateUploadOutcome,
  type Forbidden,
  type InvalidInput,
  type StreamFailed,
  creatorQuotaExceeded,
  forbidden,
  invalidInput,
  rateLimited,
  tusUnsupported,
} from '../outcomes.ts'
import type { Viewer } from '../viewer.ts'
import { type KeyInUse, createOnce, findKeyInUse, keysSince } from './idempotency.ts'
import { mintUpload } from './mint-upload.ts'
import { createReservation } from './reservation.ts'
import type { UploadRequest } from './upload-request.ts'
import { validateIdempotencyKey, validateRequest } from './validate-request.ts'

type CreateDependencies = Pick<
  Dependencies,
  | 'stream'
  | 'store'
  | 'creations'
  | 'callbacks'
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
  const { creations, clock, policy, createLimit } = dependencies
  const invalid = checkRequest(dependencies, request, now)
  // A retry has the outcome of the first request, even if its input has become invalid, as a past `expiry` is.
  if (invalid !== null) {
    return (await findKeyInUse(dependencies, identity.requestedBy, request, now)) ?? invalid
  }

  // Reads the clock again: other gateways derive from `createdAt` whether the creation may still be in flight.
  const context = { id: dependencies.newId(), createdAt: clock.now(), ...identity }
  const reservation = createReservation(request, context)
  const { creatorQuotaSeconds, watermarkUid } = policy
  const admitted = await creations.admit(reservation, {
    creatorQuotaSeconds,
    keysValidSince: keysSince(now),
    rateLimit: createLimit.ruleFor(identity.requestedBy),
  })
  switch (admitted.kind) {
    case 'key-in-use':
      return admitted
    case 'rate-limited':
      return rateLimited(
        `Rate limit exceeded: ${policy.createsPerMinute} uploads per minute.`,
        admitted.retryAfterSeconds,
      )
    case 'over-quota':
      return creatorQuotaExceeded(
        creatorQuotaSeconds ?? 0,
        reservation.constraints.maxDurationSeconds,
        admitted.usedSeconds,
      )
    case 'reserved': {
      const { thumbnailTimestampPct } = request
      return mintUpload(dependencies, reservation, { thumbnailTimestampPct, watermarkUid })
    }
  }
}

function checkRequest(
  { stream, policy }: Pick<CreateDependencies, 'stream' | 'policy'>,
  request: UploadRequest,
  now: Date,
): InvalidInput | StreamFailed | null {
  const issues = validateRequest(request, policy, now)
  if (issues.length > 0) return invalidInput(issues)
  if (request.protocol === 'TUS' && !stream.capabilities.tusUploads) {
    return tusUnsupported(request.sizeBytes ?? 0)
  }
  return null
}
