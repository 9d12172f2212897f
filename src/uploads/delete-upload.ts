/** Use case: cancels an active upload or deletes its video, and releases its reservation. */
import { limitsInForce } from './caller-limits.ts'
import { shareInFlight } from '../shared/share-in-flight.ts'
import { StreamError } from './ports/stream-error.ts'
import { findUpload } from './find-upload.ts'
import { isReceived } from './status/state-machine.ts'
import type { Dependencies } from './dependencies.ts'
import { type DeleteUploadOutcome, rateLimited, uploadNotFound } from './outcomes.ts'
import { recordObservation } from './status/record-observation.ts'
import { outcomeOfStreamError } from './stream-error-outcome.ts'
import type { Upload } from './upload.ts'
import { type Viewer, rightsKey } from './viewer.ts'

type DeleteDependencies = Pick<
  Dependencies,
  | 'stream'
  | 'store'
  | 'callbacks'
  | 'pubsub'
  | 'clock'
  | 'log'
  | 'telemetry'
  | 'policy'
  | 'deleteLimit'
  | 'deletionsInFlight'
>

/** Records only deletions that Stream confirmed. Idempotent. */
export async function deleteUpload(
  dependencies: DeleteDependencies,
  viewer: Viewer,
  uid: string,
): Promise<DeleteUploadOutcome> {
  const upload = await findUpload(dependencies, viewer, uid)
  if (upload === null) return uploadNotFound(uid)
  const slot = `${rightsKey(viewer)} ${uid}`
  return shareInFlight(dependencies.deletionsInFlight, slot, () =>
    remove(dependencies, viewer, upload),
  )
}

async function remove(
  dependencies: DeleteDependencies,
  viewer: Viewer,
  upload: Upload,
): Promise<DeleteUploadOutcome> {
  const { uid } = upload
  if (upload.deletedAt !== null) return { kind: 'Deleted', upload }
  const { createsPerMinute } = limitsInForce(dependencies.policy, viewer.limits)
  const consumed = await dependencies.deleteLimit.consume(viewer.subject, createsPerMinute)
  if (consumed.kind === 'rejected') {
    return rateLimited(
      `Rate limit exceeded: ${createsPerMinute} deletions per minute.`,
      consumed.retryAfterSeconds,
    )
  }
  let existed: boolean
  try {
    existed = await dependencies.stream.deleteVideo(uid)
  } catch (error) {
    if (!(error instanceof StreamError)) throw error
    dependencies.log.warn(
      { uploadId: upload.id, errorKind: error.kind, err: error },
      'deleting the video at Stream failed',
    )
    return outcomeOfStreamError(error)
  }
  const at = dependencies.clock.now()
  // A video that Stream does not know was not deleted by this call, so later observations may revive it.
  // An unused URL past its expiry cannot become a video any more: that deletion is final.
  const isFinal = existed || (!isReceived(upload.seenStatus) && at >= upload.expiresAt)
  const kind = isFinal ? 'deleted' : 'not-found'
  const deleted = await recordObservation(dependencies, uid, { kind, source: 'MUTATION', at })
  dependencies.log.info({ uid }, 'upload deleted')
  return { kind: 'Deleted', upload: deleted ?? upload }
}
