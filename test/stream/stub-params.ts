/** Upload parameters and ids for the tests of the adapters. */
import type { TusUploadParams, DirectUploadParams } from '../../src/uploads/ports/stream-api.ts'

export const apiToken = 'cf-Token_that.must-never.be-seen'
export const accountId = 'account1'
export const uid = 'f65014bc6ff5419ea86e7972a047ba22'
export const uploadURL = `https://upload.videodelivery.net/${uid}`

export const directParams: DirectUploadParams = {
  maxDurationSeconds: 600,
  expiresAt: new Date('2024-02-27T07:20:50.999Z'),
  creator: 'user-1',
  meta: { name: 'x.mp4' },
  allowedOrigins: [],
  requireSignedURLs: false,
  scheduledDeletion: null,
  thumbnailTimestampPct: null,
  watermarkUid: null,
}

export const tusParams: TusUploadParams = { ...directParams, sizeBytes: 300_000_000 }
