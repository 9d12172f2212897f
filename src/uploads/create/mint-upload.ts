/** Requests the URL of a reservation from Stream and records the upload. */
import type { Reservation } from '../ports/upload-store.ts'
import type { MintedVideo } from '../ports/stream-api.ts'
import { StreamError } from '../ports/stream-error.ts'
import { withUploadLock } from '../status/upload-mutex.ts'
import { firstPollAt } from '../status/poll-schedule.ts'
import {
  type UnrecordedSettings,
  toDirectUploadParams,
  toTusUploadParams,
} from './stream-params.ts'
import type { Dependencies } from '../dependencies.ts'
import type { Minted, QuotaExceeded, RateLimited, StreamFailed } from '../outcomes.ts'
import { applyUnmatchedWebhooks } from '../status/receive-webhook.ts'
import { mintedUpload } from '../minted-upload.ts'
import { outcomeOfMintError } from '../stream-error-outcome.ts'

export type MintDependencies = Pick<
  Dependencies,
  | 'stream'
  | 'store'
  | 'creations'
  | 'callbacks'
  | 'pubsub'
  | 'clock'
  | 'log'
  | 'telemetry'
  | 'readVideo'
>

/**
 * Requests the URL of a reservation from Stream and records the upload. Releases the reservation if Stream
 * rejects the request. If Stream may have created the video, the reservation stays until a sweep resolves it.
 */
export async function mintUpload(
  dependencies: MintDependencies,
  reservation: Reservation,
  unrecorded: UnrecordedSettings,
): Promise<Minted | QuotaExceeded | RateLimited | StreamFailed> {
  let minted: MintedVideo
  try {
    minted = await mintAtStream(dependencies, reservation, unrecorded)
  } catch (error) {
    if (!(error instanceof StreamError)) throw error
    dependencies.log.warn(
      { uploadId: reservation.id, errorKind: error.kind, err: error },
      'creating an upload at Stream failed',
    )
    if (!error.mayHaveSucceeded) await dependencies.store.release(reservation.id)
    return outcomeOfMintError(error, reservation.constraints.maxDurationSeconds)
  }
  const now = dependencies.clock.now()
  const recorded = await withUploadLock(dependencies.pubsub, minted.uid, async () => {
    const { creations, callbacks, pubsub } = dependencies
    const callback =
      callbacks === null ? null : callbacks.writeOf(null, mintedUpload(reservation, minted, now))
    const written = await creations.record(reservation, minted, now, firstPollAt(now), callback)
    if (written === null) return null
    if (callback !== null) callbacks?.recorded()
    pubsub.publish(written.upload)
    return written
  })
  if (recorded === null) return deleteMinted(dependencies, reservation, minted.uid)
  const { upload, webhooks } = recorded
  // Does not log the uid, because it reveals the URL of a basic upload until the file arrives.
  dependencies.log.info({ uploadId: upload.id, protocol: upload.protocol }, 'upload minted')
  await applyUnmatchedWebhooks(dependencies, upload.uid, webhooks)
  return { kind: 'Minted', upload, uploadURL: minted.uploadURL }
}

/**
 * Deletes a video whose reservation was retired before Stream responded, because no quota counts it. This
 * happens if the clock is changed or the machine sleeps.
 */
async function deleteMinted(
  dependencies: MintDependencies,
  reservation: Reservation,
  uid: string,
): Promise<StreamFailed> {
  dependencies.log.warn(
    { uploadId: reservation.id },
    'reservation was released before Stream responded; video deleted',
  )
  try {
    await dependencies.stream.deleteVideo(uid)
  } catch (error) {
    // The next sweep deletes it by its reference.
    if (!(error instanceof StreamError)) throw error
  }
  return {
    kind: 'StreamError',
    code: 'STREAM_UNAVAILABLE',
    message: 'Cloudflare Stream timed out and no upload was created. Retry.',
    retryable: true,
  }
}

function mintAtStream(
  { stream, store }: MintDependencies,
  reservation: Reservation,
  unrecorded: UnrecordedSettings,
): Promise<MintedVideo> {
  return reservation.protocol === 'TUS'
    ? stream.createTusUpload(toTusUploadParams(reservation, store.deployment, unrecorded))
    : stream.createDirectUpload(toDirectUploadParams(reservation, store.deployment, unrecorded))
}
