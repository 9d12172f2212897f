/** The reported fraction rises from 0 to 1 for any sequence of events. */
import * as fc from 'fast-check'
import { expect, it } from 'vitest'
import { type UploadProgress, createProgressReporter } from '../../src/client/progress.ts'
import type { Upload, UploadStatus } from '../../src/client/gateway/upload.ts'

const CHOICE = { protocol: 'TUS', reason: 'The caller requested this protocol.' } as const
const statuses: readonly UploadStatus[] = [
  'PENDING_UPLOAD',
  'UPLOADING',
  'QUEUED',
  'IN_PROGRESS',
  'EXPIRED',
  'DELETED',
]

type Step = (reporter: ReturnType<typeof createProgressReporter>) => void

const step: fc.Arbitrary<Step> = fc.oneof(
  fc.constant<Step>((reporter) => reporter.minting(CHOICE)),
  fc.constant<Step>((reporter) => reporter.sent()),
  fc.nat(2000).map<Step>((bytes) => (reporter) => reporter.sending(bytes)),
  fc
    .tuple(fc.constantFrom(...statuses), fc.option(fc.nat(100)), fc.option(fc.nat(1000)))
    .map<Step>(([status, percent, bytes]) => (reporter) => {
      reporter.watched(uploadAt(status, percent, bytes))
    }),
)

it('never decreases, and is 1 only at READY', () => {
  fc.assert(
    fc.property(fc.array(step), (steps) => {
      const reported: UploadProgress[] = []
      const reporter = createProgressReporter(1000, CHOICE, (progress) => reported.push(progress))
      for (const apply of steps) apply(reporter)
      const before = reported.map(({ fraction }) => fraction)
      reporter.watched(uploadAt('READY', 100, 1000))
      expect(before).toEqual(before.toSorted((a, b) => a - b))
      expect(reported.every(({ fraction, sentBytes }) => fraction >= 0 && sentBytes <= 1000)).toBe(
        true,
      )
      expect(reported.at(-1)).toMatchObject({ phase: 'ready', fraction: 1, sentBytes: 1000 })
    }),
  )
})

it('shows the bytes that another tab has sent', () => {
  const reported: UploadProgress[] = []
  const reporter = createProgressReporter(1000, CHOICE, (progress) => reported.push(progress))
  reporter.watched(uploadAt('UPLOADING', null, 500))
  expect(reported.at(-1)).toMatchObject({ phase: 'uploading', sentBytes: 500, fraction: 0.4 })
})

it('keeps the phase and the bytes when the upload is deleted or expires', () => {
  const reported: UploadProgress[] = []
  const reporter = createProgressReporter(1000, CHOICE, (progress) => reported.push(progress))
  reporter.minted(uploadAt('PENDING_UPLOAD', null, null), CHOICE)
  reporter.sending(250)
  for (const status of ['EXPIRED', 'DELETED'] as const) {
    reporter.watched(uploadAt(status, null, null))
    expect(reported.at(-1)).toMatchObject({
      phase: 'uploading',
      sentBytes: 250,
      fraction: 0.2,
      upload: { status },
    })
  }
})

it('stays at processing when the last request ends after Stream has received the file', () => {
  const reported: UploadProgress[] = []
  const reporter = createProgressReporter(1000, CHOICE, (progress) => reported.push(progress))
  reporter.sending(600)
  reporter.watched(uploadAt('QUEUED', null, 1000))
  reporter.sending(1000)
  expect(reported.map(({ phase }) => phase)).toEqual(['uploading', 'processing'])
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
