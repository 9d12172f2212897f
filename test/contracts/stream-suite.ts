/** Shared by the cases of the StreamApi contract. */
import { expect } from 'vitest'
import type {
  MintedVideo,
  PlaybackTokenParams,
  StreamApi,
  TusUploadParams,
  DirectUploadParams,
} from '../../src/uploads/ports/stream-api.ts'

/** The running suite. The adapter is available once the tests run. */
export interface Suite {
  readonly streamApi: () => StreamApi
  /** Mints a video that the suite deletes at the end. */
  readonly mint: (params: DirectUploadParams) => Promise<MintedVideo>
  readonly mintTus: (params: TusUploadParams) => Promise<MintedVideo>
}

export const halfHourMs = 30 * 60_000

/** Params of an upload. Each test uses its own creator, so that tests do not see each other's videos. */
export function uploadParamsFor(creator: string | null): DirectUploadParams {
  return {
    maxDurationSeconds: 60,
    expiresAt: new Date(Date.now() + halfHourMs),
    creator,
    meta: { name: 'contract.mp4', tag: creator },
    allowedOrigins: [],
    requireSignedURLs: false,
    scheduledDeletion: null,
    thumbnailTimestampPct: null,
    watermarkUid: null,
  }
}

/** Params of a token for an hour, which every adapter can create. */
export function playbackTokenParamsFor(uid: string): PlaybackTokenParams {
  const ttlSeconds = 3600
  return {
    uid,
    expiresAt: new Date(Date.now() + ttlSeconds * 1000),
    ttlSeconds,
    downloadable: false,
  }
}

/** Compares dates with a tolerance of one second, because Stream stores whole seconds. */
export function expectNear(timestamp: Date | null | undefined, expected: Date): void {
  expect(Math.abs((timestamp?.getTime() ?? 0) - expected.getTime())).toBeLessThanOrEqual(1000)
}

/** The StreamError of an adapter for a call that its capabilities exclude, without a request. */
export const unsupportedError = {
  name: 'StreamError',
  kind: 'invalid',
  retryable: false,
  mayHaveSucceeded: false,
  status: null,
  message: expect.stringMatching(/^[A-Z].*\.$/),
}
