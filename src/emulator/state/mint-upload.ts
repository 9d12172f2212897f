/** Mints a one-time upload URL: creates its video and reserves `maxDurationSeconds`. */
import { randomBytes } from 'node:crypto'

import { badRequest, storageExceeded } from '../api-error.ts'
import type { EmulatorDependencies } from '../dependencies.ts'
import type { UploadParams } from './upload-params.ts'
import type { UploadKind, Video } from './video.ts'
import type { Watermark } from './watermark.ts'

/** Params that only a tus upload has. */
interface TusFileParams {
  readonly uploadLength: number
  readonly uploadMetadata: string | null
}

/**
 * Creates the video of an upload URL. Throws an ApiError when its watermark profile does not exist, and
 * when it exceeds the storage limit, which does not apply to the received file: "limits are evaluated when the URL is created".
 * https://developers.cloudflare.com/stream/faq/
 * @param now the timestamp from which the expiry in `params` was computed
 */
export function mintUpload(
  dependencies: Pick<EmulatorDependencies, 'clock' | 'library' | 'settings' | 'watermarks'>,
  kind: UploadKind,
  params: UploadParams,
  tus: TusFileParams | null,
  now: number,
): Video {
  const watermark = findWatermark(dependencies, params.watermark)
  requireStorage(dependencies, params.maxDurationSeconds)
  const uid = randomBytes(16).toString('hex')
  return dependencies.library.insert({
    ...params,
    uid,
    kind,
    // Not the uid: clients that parse the tus URL instead of reading stream-media-id must fail.
    uploadId: kind === 'basic' ? uid : randomBytes(16).toString('hex'),
    publicDetails: {},
    uploadLength: tus?.uploadLength ?? null,
    uploadMetadata: tus?.uploadMetadata ?? null,
    createdMicroseconds: now * 1000,
    changedAt: now,
    receivedAt: null,
    finishesAt: null,
    sizeBytes: null,
    media: null,
    watermark,
  })
}

function findWatermark(
  { watermarks }: Pick<EmulatorDependencies, 'watermarks'>,
  uid: string | null,
): Watermark | null {
  if (uid === null) return null
  const watermark = watermarks.find(uid)
  if (watermark === null) throw badRequest('the watermark profile was not found')
  return watermark
}

/** Throws an ApiError (413, code 10011) when `seconds` more would exceed the storage limit. */
export function requireStorage(
  dependencies: Pick<EmulatorDependencies, 'clock' | 'library' | 'settings'>,
  seconds: number,
): void {
  const totals = dependencies.library.storage(dependencies.clock.now())
  const limit = dependencies.settings.storageMinutes
  if (totals.reservedSeconds + totals.storedSeconds + seconds > limit * 60) {
    throw storageExceeded((totals.reservedSeconds + totals.storedSeconds) / 60, limit)
  }
}

/** Returns the upload URL of a video, in the form of Stream's URLs. */
export function uploadUrl(publicUrl: string, video: Video): string {
  return video.kind === 'basic'
    ? `${publicUrl}/${video.uploadId}`
    : `${publicUrl}/tus/${video.uploadId}?tusv2=true`
}
