/**
 * Use case: mints upload URLs. Records a reservation, then requests the URL from Stream. A rejected request
 * leaves no reservation, and retries with the same idempotency key mint only one upload.
 */
import type { Reservation } from '../ports/upload-store.ts'
import { type LimitsInForce, allowsBasicUploads, limitsInForce } from '../caller-limits.ts'
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
  tokenUsedUp,
  tusUnsupported,
} from '../outcomes.ts'
import { NO_PROTOCOL_REASON } from '../recommend-protocol.ts'
import type { Viewer } from '../viewer.ts'
import type { Fingerprints } from './fingerprint.ts'
import { withForcedSettings } from './forced-settings.ts'
import {
  type KeyInUse,
  createOnce,
  findKeyInUse,
  fingerprintsOfKey,
  keysSince,
} from './idempotency.ts'
import { type MintDependencies, mintUpload } from './mint-upload.ts'
import { createReservation } from './reservation.ts'
import type { UploadRequest } from './upload-request.ts'
import { isTooLarge, validateIdempotencyKey, validateRequest } from './validate-request.ts'

type CreateDependencies = MintDependencies &
  Pick<Dependencies, 'policy' | 'createLimit' | 'mintsInFlight' | 'closing' | 'newId'>

/** Creator, caller and fingerprint of a request. */
type RequestIdentity = Pick<Reservation, 'creator' | 'requestedBy' | 'fingerprint'>

/** Mints an upload URL, or returns the upload of an earlier request with the same idempotency key. */
export async function createUpload(
  dependencies: CreateDependencies,
  viewer: Viewer,
  received: UploadRequest,
): Promise<CreateUploadOutcome> {
  const request = prepare(received, viewer)
  const fingerprints = await fingerprintsOfKey(request, viewer)
  return createWithFingerprints(dependencies, viewer, request, fingerprints)
}

/**
 * Mints an upload URL for each request, concurrently, so that their writes can share a commit. Returns the outcomes
 * in the order of the requests. If a rate limit is left for some of them only, the first ones get it. An unexpected
 * error of one is thrown after all have ended.
 */
export async function createUploads(
  dependencies: CreateDependencies,
  viewer: Viewer,
  received: readonly UploadRequest[],
): Promise<readonly CreateUploadOutcome[]> {
  const requests = received.map((request) => prepare(request, viewer))
  // Digests end in any order. All are computed first, so that the requests are admitted in theirs.
  const fingerprints = await Promise.all(
    requests.map((request) => fingerprintsOfKey(request, viewer)),
  )
  const inOrder = { ...dependencies, creations: dependencies.creations.inOrder() }
  const outcomes = requests.map((request, index) =>
    createWithFingerprints(inOrder, viewer, request, fingerprints[index] ?? null),
  )
  await Promise.allSettled(outcomes)
  return Promise.all(outcomes)
}

/** Returns the request with the settings of the caller's token. */
function prepare(received: UploadRequest, { limits }: Viewer): UploadRequest {
  const request = withForcedSettings(received, limits)
  // No request with this key can have been valid, and its fingerprint would take long to compute.
  return isTooLarge(request) ? { ...request, idempotencyKey: null } : request
}

/**
 * @param request from `prepare`
 * @param fingerprints null if the request has no idempotency key
 */
async function createWithFingerprints(
  dependencies: CreateDependencies,
  viewer: Viewer,
  request: UploadRequest,
  fingerprints: Fingerprints | null,
): Promise<CreateUploadOutcome> {
  const requestedBy = viewer.subject
  const creator = request.creator ?? requestedBy
  const outcome =
    checkCreator(viewer, creator) ??
    checkIdempotencyKey(request) ??
    (await createOnce(dependencies, viewer, request, fingerprints, (fingerprint, now) =>
      create(dependencies, viewer, { creator, requestedBy, fingerprint }, request, now),
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
  viewer: Viewer,
  identity: RequestIdentity,
  request: UploadRequest,
  now: Date,
): Promise<CreateUploadOutcome | KeyInUse> {
  const { creations, clock, policy, createLimit } = dependencies
  const limits = limitsInForce(policy, viewer.limits)
  const invalid = checkRequest(dependencies.stream, limits, request, now)
  // A retry has the outcome of the first request, even if its input has become invalid, as a past `expiry` is.
  if (invalid !== null) {
    return (await findKeyInUse(dependencies, identity.requestedBy, request, now)) ?? invalid
  }

  // Reads the clock again: other gateways derive from `createdAt` whether the creation may still be in flight.
  const context = { id: dependencies.newId(), createdAt: clock.now(), ...identity }
  const reservation = createReservation(request, context)
  const { quotaSeconds, createsPerMinute, tokenLimit } = limits
  const admitted = await creations.admit(reservation, {
    creatorQuotaSeconds: quotaSeconds,
    keysValidSince: keysSince(now),
    tokenLimit,
    rateLimit: createLimit.ruleFor(identity.requestedBy, createsPerMinute),
  })
  switch (admitted.kind) {
    case 'key-in-use':
      return admitted
    case 'rate-limited':
      return rateLimited(
        `Rate limit exceeded: ${createsPerMinute} uploads per minute.`,
        admitted.retryAfterSeconds,
      )
    case 'token-used-up':
      return tokenUsedUp(tokenLimit?.maxUploads ?? 0)
    case 'over-quota':
      return creatorQuotaExceeded(
        quotaSeconds ?? 0,
        reservation.constraints.maxDurationSeconds,
        admitted.usedSeconds,
      )
    case 'reserved': {
      const { thumbnailTimestampPct } = request
      const watermarkUid = viewer.limits?.forced.watermarkUid ?? policy.watermarkUid
      return mintUpload(dependencies, reservation, { thumbnailTimestampPct, watermarkUid })
    }
  }
}

function checkRequest(
  stream: CreateDependencies['stream'],
  limits: LimitsInForce,
  request: UploadRequest,
  now: Date,
): InvalidInput | Forbidden | StreamFailed | null {
  const issues = validateRequest(request, limits, now)
  if (issues.length > 0) return invalidInput(issues)
  if (!stream.capabilities.tusUploads && !allowsBasicUploads(limits)) {
    return forbidden(NO_PROTOCOL_REASON)
  }
  if (request.protocol === 'BASIC' && !allowsBasicUploads(limits)) {
    return forbidden(
      `This token allows files of at most ${limits.maxSizeBytes} bytes, and Stream accepts up to 200 MB at a basic URL. Use \`createTusUpload\` with the exact size.`,
    )
  }
  if (request.protocol === 'TUS' && !stream.capabilities.tusUploads) {
    return tusUnsupported(request.sizeBytes ?? 0)
  }
  return null
}
