/** Mints a one-time upload URL: the video exists from now on, and its cap is reserved. */
import { randomBytes } from 'node:crypto'

import { storageSpent } from '../api-error.ts'
import type { EmulatorParts } from '../dependencies.ts'
import type { UploadOrder } from './upload-params.ts'
import type { UploadKind, Video } from './video.ts'

/** What only a tus order has. */
interface TusFacts {
  readonly uploadLength: number
  readonly uploadMetadata: string | null
}

/**
 * Limits are looked at here and never again: "limits are evaluated when the URL is created".
 * https://developers.cloudflare.com/stream/faq/
 * @param now the same moment that the order's deadline was reckoned from
 */
export function mintUpload(
  parts: Pick<EmulatorParts, 'clock' | 'library' | 'settings'>,
  kind: UploadKind,
  order: UploadOrder,
  tus: TusFacts | null,
  now: number,
): Video {
  requireStorage(parts, order.maxDurationSeconds)
  const uid = randomBytes(16).toString('hex')
  return parts.library.insert({
    ...order,
    uid,
    kind,
    // A tus URL does not name the video: whoever parses it instead of reading stream-media-id errs.
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
  })
}

/** Throws 413 with code 10011 where so many more seconds do not fit. */
export function requireStorage(
  parts: Pick<EmulatorParts, 'clock' | 'library' | 'settings'>,
  seconds: number,
): void {
  const totals = parts.library.storage(parts.clock.now())
  const limit = parts.settings.storageMinutes
  if (totals.reservedSeconds + totals.storedSeconds + seconds > limit * 60) {
    throw storageSpent((totals.reservedSeconds + totals.storedSeconds) / 60, limit)
  }
}

/** Where the video's file is to be sent: the shape of Stream's own URLs. */
export function uploadUrl(publicUrl: string, video: Video): string {
  return video.kind === 'basic'
    ? `${publicUrl}/${video.uploadId}`
    : `${publicUrl}/tus/${video.uploadId}?tusv2=true`
}
