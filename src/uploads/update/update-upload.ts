/**
 * Use case: changes an upload at Stream, then records what Stream confirmed. A change that Stream confirmed but
 * that was not recorded, after a crash or a timeout, is recorded by synchronization.
 */
import { type LimitsInForce, limitsInForce } from '../caller-limits.ts'
import type { StreamVideo, VideoChange } from '../ports/stream-api.ts'
import { StreamError } from '../ports/stream-error.ts'
import type { Dependencies } from '../dependencies.ts'
import { findUpload } from '../find-upload.ts'
import {
  type UpdateUploadOutcome,
  conflict,
  creatorQuotaExceeded,
  invalidInput,
  rateLimited,
  uploadNotFound,
} from '../outcomes.ts'
import { isSameMeta } from '../status/observed-settings.ts'
import { recordObservation } from '../status/record-observation.ts'
import { outcomeOfMintError } from '../stream-error-outcome.ts'
import type { Upload } from '../upload.ts'
import type { Viewer } from '../viewer.ts'
import { withChangeLease } from './change-lease.ts'
import { withForcedChanges } from './forced-changes.ts'
import { type UpdateRequest, validateUpdate } from './update-request.ts'
import { toVideoChange } from './video-change.ts'

type UpdateDependencies = Pick<
  Dependencies,
  | 'stream'
  | 'store'
  | 'callbacks'
  | 'pubsub'
  | 'clock'
  | 'log'
  | 'telemetry'
  | 'policy'
  | 'updateLimit'
  | 'updatesInFlight'
  | 'newId'
>

/** The upload, and the change for Stream, which is null if the request changes nothing. */
interface Decision {
  readonly kind: 'decided'
  readonly upload: Upload
  readonly change: VideoChange | null
}

/** Changes of one upload run one after the other, in all gateways. */
export async function updateUpload(
  dependencies: UpdateDependencies,
  viewer: Viewer,
  request: UpdateRequest,
): Promise<UpdateUploadOutcome> {
  const early = await decide(dependencies, viewer, request)
  if (early.kind !== 'decided') return early
  if (early.change === null) return { kind: 'Updated', upload: early.upload }
  const limits = limitsInForce(dependencies.policy, viewer.limits)
  const { createsPerMinute } = limits
  const consumed = await dependencies.updateLimit.consume(viewer.subject, createsPerMinute)
  if (consumed.kind === 'rejected') {
    return rateLimited(
      `Rate limit exceeded: ${createsPerMinute} changes per minute.`,
      consumed.retryAfterSeconds,
    )
  }
  const outcome = await withChangeLease(dependencies, request.uid, async () => {
    // Another change may have been recorded since.
    const decision = await decide(dependencies, viewer, request)
    if (decision.kind !== 'decided') return decision
    const { upload, change } = decision
    return change === null
      ? ({ kind: 'Updated', upload } as const)
      : applyChange(dependencies, viewer, limits, upload, change)
  })
  return outcome ?? rateLimited('Another change of this upload is still in progress.', 1)
}

async function decide(
  dependencies: UpdateDependencies,
  viewer: Viewer,
  received: UpdateRequest,
): Promise<Decision | UpdateUploadOutcome> {
  const { clock, policy, store, stream } = dependencies
  const upload = await findUpload(dependencies, viewer, received.uid)
  if (upload === null) return uploadNotFound(received.uid)
  const request = withForcedChanges(received, upload, viewer.limits)
  const { expectedVersion } = request
  if (expectedVersion !== null && expectedVersion !== upload.version) {
    return conflict(upload.version)
  }
  const limits = limitsInForce(policy, viewer.limits)
  const issues = validateUpdate(request, upload, stream.capabilities, limits, clock.now())
  if (issues.length > 0) return invalidInput(issues)
  return { kind: 'decided', upload, change: toVideoChange(request, upload, store.deployment) }
}

/** Reserves a longer duration first, so that concurrent requests cannot exceed the creator's quota. */
async function applyChange(
  dependencies: UpdateDependencies,
  viewer: Viewer,
  { quotaSeconds }: LimitsInForce,
  upload: Upload,
  change: VideoChange,
): Promise<UpdateUploadOutcome> {
  const { maxDurationSeconds } = upload.constraints
  const additionalSeconds = (change.maxDurationSeconds ?? maxDurationSeconds) - maxDurationSeconds
  if (additionalSeconds <= 0 || quotaSeconds === null) {
    return (await changeAtStream(dependencies, upload, change)).outcome
  }
  const id = dependencies.newId()
  const now = dependencies.clock.now()
  const reserved = await dependencies.store.reserve(
    {
      id,
      protocol: upload.protocol,
      creator: upload.creator,
      name: null,
      meta: {},
      constraints: { ...upload.constraints, maxDurationSeconds: additionalSeconds },
      expiresAt: upload.expiresAt,
      createdAt: now,
      totalBytes: null,
      idempotencyKey: null,
      fingerprint: '',
      requestedBy: viewer.subject,
    },
    { creatorQuotaSeconds: quotaSeconds, keysValidSince: now },
  )
  if (reserved.kind === 'over-quota') {
    return creatorQuotaExceeded(quotaSeconds, additionalSeconds, reserved.usedSeconds)
  }
  if (reserved.kind !== 'reserved')
    throw new Error('A reservation without a key and a token was refused.')
  const { outcome, isKnown } = await changeAtStream(dependencies, upload, change)
  // If Stream may have changed the upload, the seconds stay reserved until a sweep, after the next poll.
  if (isKnown) await dependencies.store.release(id)
  return outcome
}

/** @returns the outcome, and whether it is known: after a timeout Stream may have changed the upload */
async function changeAtStream(
  dependencies: UpdateDependencies,
  { id, uid, constraints }: Upload,
  change: VideoChange,
): Promise<{ readonly outcome: UpdateUploadOutcome; readonly isKnown: boolean }> {
  let video: StreamVideo | null
  try {
    video = await dependencies.stream.updateVideo(uid, change)
  } catch (error) {
    if (!(error instanceof StreamError)) throw error
    dependencies.log.warn(
      { uploadId: id, errorKind: error.kind, err: error },
      'changing the upload at Stream failed',
    )
    const seconds = change.maxDurationSeconds ?? constraints.maxDurationSeconds
    return { outcome: outcomeOfMintError(error, seconds), isKnown: !error.mayHaveSucceeded }
  }
  // Whether it was deleted is for the next poll to decide.
  if (video === null) return { outcome: uploadNotFound(uid), isKnown: true }
  const at = dependencies.clock.now()
  const recorded = await recordObservation(dependencies, uid, {
    kind: 'video',
    source: 'MUTATION',
    at,
    video: { ...video, meta: metaAsSent(change, video) },
  })
  dependencies.log.info({ uid }, 'upload changed')
  const outcome: UpdateUploadOutcome =
    recorded === null ? uploadNotFound(uid) : { kind: 'Updated', upload: recorded }
  return { outcome, isKnown: true }
}

/** Stream may return metadata as text; the gateway records it as the caller sent it. */
function metaAsSent({ meta }: VideoChange, video: StreamVideo): StreamVideo['meta'] {
  return meta !== undefined && isSameMeta(meta, video.meta) ? meta : video.meta
}
