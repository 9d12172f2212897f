/** Which changes of an upload are sent to the application. */
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type CallbackType, callbackTypeOf } from '../../src/uploads/callbacks/callback-type.ts'
import { type UploadStatus, uploadStatuses } from '../../src/uploads/upload.ts'
import { applyObservation } from '../../src/uploads/status/state-machine.ts'
import { anyObservation } from '../kit/observations.ts'
import { after, uploadOf } from '../kit/samples.ts'

/** Unchanged fields keep their identity, as in the state machine. */
const upload = uploadOf()

describe('callbackTypeOf', () => {
  test('a new upload is created', () => {
    expect(callbackTypeOf(null, upload)).toBe('upload.created')
  })

  test.each<[from: UploadStatus, to: UploadStatus, type: CallbackType | null]>([
    ['PENDING_UPLOAD', 'UPLOADING', null],
    ['PENDING_UPLOAD', 'QUEUED', 'upload.received'],
    ['UPLOADING', 'IN_PROGRESS', 'upload.received'],
    ['EXPIRED', 'QUEUED', 'upload.received'],
    ['QUEUED', 'IN_PROGRESS', null],
    ['PENDING_UPLOAD', 'READY', 'upload.ready'],
    ['IN_PROGRESS', 'READY', 'upload.ready'],
    ['ERROR', 'READY', 'upload.ready'],
    ['QUEUED', 'ERROR', 'upload.failed'],
    ['UPLOADING', 'EXPIRED', 'upload.expired'],
    ['READY', 'DELETED', 'upload.deleted'],
    ['DELETED', 'READY', 'upload.ready'],
    ['DELETED', 'IN_PROGRESS', 'upload.received'],
    ['DELETED', 'UPLOADING', 'upload.updated'],
    ['DELETED', 'PENDING_UPLOAD', 'upload.updated'],
  ])('from %s to %s: %s', (from, to, type) => {
    expect(callbackTypeOf({ ...upload, status: from }, { ...upload, status: to })).toBe(type)
  })

  test.each([
    ['the name', { name: 'Holidays' }],
    ['the metadata', { meta: { album: 7 } }],
    ['the constraints', { constraints: { ...upload.constraints, requireSignedURLs: true } }],
    ['the expiry', { expiresAt: after(60) }],
    ['a thumbnail, which no field shows', { settingsAt: after(1) }],
  ])('a change of %s is an update', (_what, settings) => {
    expect(callbackTypeOf(upload, { ...upload, ...settings })).toBe('upload.updated')
  })

  test.each([
    ['bytes', { progress: { totalBytes: 9, receivedBytes: 5, encodingPercent: null } }],
    ['an absence that decides nothing', { goneAt: after(1) }],
  ])('progress in %s has no callback', (_what, progress) => {
    expect(callbackTypeOf(upload, { ...upload, ...progress })).toBeNull()
  })

  test('each change of status but progress has the callback of its status, whatever happens', () => {
    const silent = new Set<UploadStatus>(['PENDING_UPLOAD', 'UPLOADING', 'IN_PROGRESS'])
    fc.assert(
      fc.property(
        fc.constantFrom(...uploadStatuses.filter((status) => status !== 'DELETED')),
        fc.array(anyObservation, { maxLength: 8 }),
        (status, observations) => {
          let current = uploadOf({ status, seenStatus: status })
          for (const observation of observations) {
            const next = applyObservation(current, observation)
            if (next === null) continue
            const isNews = next.status !== current.status && !silent.has(next.status)
            const type = callbackTypeOf(current, next)
            expect([next.status, type !== null && type !== 'upload.updated']).toEqual([
              next.status,
              isNews || (next.status === 'IN_PROGRESS' && type === 'upload.received'),
            ])
            current = next
          }
        },
      ),
    )
  })
})
