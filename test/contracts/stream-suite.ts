/** What the parts of the StreamBackend contract share. */
import { expect } from 'vitest'
import type {
  MintedVideo,
  StreamApi,
  TusUploadParams,
  DirectUploadParams,
} from '../../src/uploads/ports/stream-api.ts'

/** A running suite. The backend is there once the tests run, and not before. */
export interface Suite {
  readonly backend: () => StreamApi
  /** Mints, and deletes at the end. */
  readonly mint: (order: DirectUploadParams) => Promise<MintedVideo>
  readonly mintTus: (order: TusUploadParams) => Promise<MintedVideo>
}

export const halfHourMs = 30 * 60_000

/** An order; each test names a creator of its own, so that none sees another's videos. */
export function orderOf(creator: string | null): DirectUploadParams {
  return {
    maxDurationSeconds: 60,
    expiresAt: new Date(Date.now() + halfHourMs),
    creator,
    meta: { name: 'contract.mp4', tag: creator },
    allowedOrigins: [],
    requireSignedURLs: false,
    scheduledDeletion: null,
    thumbnailTimestampPct: null,
  }
}

/** The same moment, as far as whole seconds go, which is what Stream is told. */
export function expectNear(timestamp: Date | null | undefined, expected: Date): void {
  expect(Math.abs((timestamp?.getTime() ?? 0) - expected.getTime())).toBeLessThanOrEqual(1000)
}

/** The StreamError by which a backend refuses, unsent, what its capabilities say it cannot do. */
export const refusedInWords = {
  name: 'StreamError',
  kind: 'invalid',
  retryable: false,
  mayHaveSucceeded: false,
  status: null,
  message: expect.stringMatching(/^[A-Z].*\.$/),
}
