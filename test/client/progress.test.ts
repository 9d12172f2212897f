/** One line from 0 to 1, whatever happens on the way. */
import * as fc from 'fast-check'
import { expect, it } from 'vitest'
import { type UploadProgress, createProgressReporter } from '../../src/client/progress.ts'
import type { Upload, UploadStatus } from '../../src/client/gateway/upload.ts'

const CHOICE = { protocol: 'TUS', reason: 'The caller requested this protocol.' } as const
const statuses: readonly UploadStatus[] = ['PENDING_UPLOAD', 'UPLOADING', 'QUEUED', 'IN_PROGRESS']

type Step = (teller: ReturnType<typeof createProgressReporter>) => void

const step: fc.Arbitrary<Step> = fc.oneof(
  fc.constant<Step>((teller) => teller.minting(CHOICE)),
  fc.constant<Step>((teller) => teller.sent()),
  fc.nat(2000).map<Step>((bytes) => (teller) => teller.sending(bytes)),
  fc
    .tuple(fc.constantFrom(...statuses), fc.option(fc.nat(100)), fc.option(fc.nat(1000)))
    .map<Step>(([status, percent, bytes]) => (teller) => {
      teller.watched(uploadAt(status, percent, bytes))
    }),
)

it('never goes down, and is 1 at READY only', () => {
  fc.assert(
    fc.property(fc.array(step), (steps) => {
      const told: UploadProgress[] = []
      const teller = createProgressReporter(1000, CHOICE, (progress) => told.push(progress))
      for (const take of steps) take(teller)
      const before = told.map(({ fraction }) => fraction)
      teller.watched(uploadAt('READY', 100, 1000))
      expect(before).toEqual(before.toSorted((a, b) => a - b))
      expect(told.every(({ fraction, sentBytes }) => fraction >= 0 && sentBytes <= 1000)).toBe(true)
      expect(told.at(-1)).toMatchObject({ phase: 'ready', fraction: 1, sentBytes: 1000 })
    }),
  )
})

it('shows the bytes that another tab has sent', () => {
  const told: UploadProgress[] = []
  const teller = createProgressReporter(1000, CHOICE, (progress) => told.push(progress))
  teller.watched(uploadAt('UPLOADING', null, 500))
  expect(told.at(-1)).toMatchObject({ phase: 'uploading', sentBytes: 500, fraction: 0.4 })
})

function uploadAt(
  status: UploadStatus,
  encodingPercent: number | null,
  receivedBytes: number | null,
): Upload {
  return {
    id: 'id',
    uid: 'uid',
    protocol: 'TUS',
    status,
    version: 1,
    expiresAt: '2026-01-01T06:00:00.000Z',
    createdAt: '2026-01-01T00:00:00.000Z',
    updatedAt: '2026-01-01T00:00:00.000Z',
    creator: null,
    name: null,
    meta: {},
    constraints: {
      maxDurationSeconds: 60,
      maxSizeBytes: 1000,
      allowedOrigins: [],
      requireSignedURLs: false,
      scheduledDeletion: null,
    },
    progress: { totalBytes: 1000, receivedBytes, encodingPercent },
    failure: null,
    video: null,
  }
}
