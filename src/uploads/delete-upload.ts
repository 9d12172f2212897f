/** Cancels an upload that is under way, or deletes the video; its reservation is free again. */
import { StreamError } from './ports/stream-error.ts'
import { findUpload } from './find-upload.ts'
import { isReceived } from './status/state-machine.ts'
import type { Parts } from './dependencies.ts'
import {
  type Forbidden,
  type RateLimited,
  type StreamFailed,
  type UploadNotFound,
  rateLimited,
  uploadNotFound,
} from './outcomes.ts'
import { recordEvidence } from './status/record-observation.ts'
import { streamTrouble } from './stream-error-outcome.ts'
import type { Upload } from './upload.ts'
import type { Viewer } from './viewer.ts'

/** Stream confirmed that the video is gone, now or earlier. */
export interface Deleted {
  readonly kind: 'Deleted'
  readonly upload: Upload
}

export type DeleteUploadOutcome = Deleted | UploadNotFound | Forbidden | RateLimited | StreamFailed

/** Whoever deletes while the same caller's deletion is under way gets that one's outcome. */
export type DeletionsUnderWay = Map<string, Promise<DeleteUploadOutcome>>

type DeleteParts = Pick<
  Parts,
  | 'stream'
  | 'store'
  | 'events'
  | 'clock'
  | 'log'
  | 'telemetry'
  | 'policy'
  | 'deleteLimit'
  | 'deletionsUnderWay'
>

/** Stream is asked first: only what it confirms is recorded. Deleting twice is deleting once. */
export async function deleteUpload(
  parts: DeleteParts,
  viewer: Viewer,
  uid: string,
): Promise<DeleteUploadOutcome> {
  const upload = await findUpload(parts, viewer, uid)
  if (upload === null) return uploadNotFound(uid)
  const slot = JSON.stringify([viewer.subject, uid])
  const underWay = parts.deletionsUnderWay.get(slot)
  if (underWay !== undefined) return underWay
  const outcome = remove(parts, viewer, upload)
  parts.deletionsUnderWay.set(slot, outcome)
  try {
    return await outcome
  } finally {
    parts.deletionsUnderWay.delete(slot)
  }
}

async function remove(
  parts: DeleteParts,
  viewer: Viewer,
  upload: Upload,
): Promise<DeleteUploadOutcome> {
  const { uid } = upload
  if (upload.deletedAt !== null) return { kind: 'Deleted', upload }
  const wait = await parts.deleteLimit.take(viewer.subject)
  if (wait !== null) {
    return rateLimited(`You may delete ${parts.policy.createsPerMinute} uploads a minute.`, wait)
  }
  let wasThere: boolean
  try {
    wasThere = await parts.stream.deleteVideo(uid)
  } catch (error) {
    if (!(error instanceof StreamError)) throw error
    parts.log.warn({ reference: upload.id, kind: error.kind, err: error }, 'deletion failed')
    return streamTrouble(error)
  }
  const at = parts.clock.now()
  // Where Stream does not know the video, nothing was deleted: what it says later is believed. Of a link
  // that expired unused there is nothing left that could come back.
  const isFinal = wasThere || (!isReceived(upload.seenStatus) && at >= upload.expiresAt)
  const kind = isFinal ? 'deleted' : 'absent'
  const deleted = await recordEvidence(parts, uid, { kind, source: 'MUTATION', at })
  parts.log.info({ uid }, 'upload deleted')
  return { kind: 'Deleted', upload: deleted ?? upload }
}
