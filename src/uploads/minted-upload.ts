/** The upload that a reservation becomes with Stream's response. */
import type { MintedVideo } from './ports/stream-api.ts'
import type { Reservation } from './ports/upload-store.ts'
import type { Upload, UploadSpec } from './upload.ts'

/** Returns the upload as the store records and returns it. */
export function mintedUpload(
  reservation: UploadSpec & Pick<Reservation, 'totalBytes'>,
  { uid, uploadURL }: MintedVideo,
  at: Date,
): Upload {
  const { id, protocol, creator, name, meta, constraints, expiresAt, createdAt } = reservation
  return {
    id,
    protocol,
    creator,
    name,
    meta,
    constraints,
    expiresAt,
    createdAt,
    uid,
    uploadURL,
    status: 'PENDING_UPLOAD',
    version: 1,
    updatedAt: at,
    progress: { totalBytes: reservation.totalBytes, receivedBytes: null, encodingPercent: null },
    failure: null,
    video: null,
    describedAt: null,
    settingsAt: null,
    goneAt: null,
    deletedAt: null,
    seenStatus: 'PENDING_UPLOAD',
  }
}
