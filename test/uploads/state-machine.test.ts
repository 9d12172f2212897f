/** The transition function: its table, single cases, and properties for lost and late webhooks. */
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { StreamVideo } from '../../src/uploads/ports/stream-api.ts'
import {
  type Observation,
  applyObservation,
  isReceived,
  allowedTransitions,
} from '../../src/uploads/status/state-machine.ts'
import { type Upload, type UploadStatus, uploadStatuses } from '../../src/uploads/upload.ts'
import {
  anyObservation,
  shuffleKeepingPolls,
  isPollResult,
  expiredUpload,
  receivedUpload,
} from '../kit/observations.ts'
import { EXPIRES_AT, after, uploadOf, videoOf } from '../kit/samples.ts'

const source = 'SYNC'
const EXPIRY_SECONDS = (EXPIRES_AT.getTime() - after(0).getTime()) / 1000
const beforeDeadline = after(60)
const atDeadline = EXPIRES_AT

function rank(status: UploadStatus): number {
  return uploadStatuses.indexOf(status)
}

/** Returns the upload after all observations. */
function applyAll(upload: Upload, observations: readonly Observation[]): Upload {
  let current = upload
  for (const observation of observations)
    current = applyObservation(current, observation) ?? current
  return current
}

/** The fields of an upload that must not depend on the order of observations. */
function outcome(upload: Upload) {
  const { status, progress, failure, video, describedAt, goneAt, deletedAt, seenStatus } = upload
  const { name, meta, constraints, expiresAt, settingsAt } = upload
  const facts = { status, progress, failure, video, describedAt, goneAt, deletedAt, seenStatus }
  return { ...facts, name, meta, constraints, expiresAt, settingsAt }
}

/** An observation of a poll. */
function polled(video: Partial<StreamVideo>, at = beforeDeadline): Observation {
  return { kind: 'video', source, at, video: videoOf(video) }
}

function webhook(video: Partial<StreamVideo>, at = beforeDeadline): Observation {
  return { kind: 'video', source: 'WEBHOOK', at, video: videoOf(video) }
}

function mutation(video: Partial<StreamVideo>): Observation {
  return { kind: 'video', source: 'MUTATION', at: beforeDeadline, video: videoOf(video) }
}

/** Stream reports one expiry. If it changed, a webhook from before the change would be late. */
function withOneExpiry(minLength: number): fc.Arbitrary<readonly Observation[]> {
  const expiry = fc.constantFrom(null, EXPIRES_AT, after(EXPIRY_SECONDS + 2))
  return fc
    .tuple(fc.array(anyObservation, { minLength, maxLength: 6 }), expiry)
    .map(([observations, uploadExpiresAt]) =>
      observations.map((observation) =>
        observation.kind === 'video'
          ? { ...observation, video: { ...observation.video, uploadExpiresAt } }
          : observation,
      ),
    )
}

describe('the table of allowed transitions', () => {
  test('has a row for every status', () => {
    expect(Object.keys(allowedTransitions).toSorted()).toEqual([...uploadStatuses].toSorted())
  })

  test('goes forward in the order of the statuses, except from DELETED', () => {
    for (const from of uploadStatuses) {
      if (from === 'DELETED') continue
      for (const to of allowedTransitions[from]) expect(rank(to)).toBeGreaterThan(rank(from))
    }
  })

  test('is transitive, because a transition may skip unobserved statuses', () => {
    for (const from of uploadStatuses) {
      if (from === 'DELETED') continue
      for (const via of allowedTransitions[from]) {
        if (via === 'DELETED') continue
        expect(allowedTransitions[from]).toEqual(
          expect.arrayContaining([...allowedTransitions[via]]),
        )
      }
    }
  })

  test('allows every status but DELETED to become DELETED', () => {
    for (const from of uploadStatuses) {
      expect(allowedTransitions[from].includes('DELETED')).toBe(from !== 'DELETED')
    }
  })

  test('treats a file as received from QUEUED on', () => {
    expect(uploadStatuses.filter(isReceived)).toEqual(['QUEUED', 'IN_PROGRESS', 'ERROR', 'READY'])
  })
})

describe('each observation in each status', () => {
  const initials = { P: 'PENDING_UPLOAD', U: 'UPLOADING', X: 'EXPIRED', Q: 'QUEUED' } as const
  const others = { I: 'IN_PROGRESS', E: 'ERROR', R: 'READY', D: 'DELETED' } as const
  const statusByLetter = new Map<string, UploadStatus>(Object.entries({ ...initials, ...others }))
  const uploads = [
    ...[...statusByLetter].map(([, status]) =>
      uploadOf({ status, deletedAt: status === 'DELETED' ? after(30) : null }),
    ),
    // Pending, and not found at Stream.
    uploadOf({ status: 'DELETED', goneAt: after(30), seenStatus: 'PENDING_UPLOAD' }),
  ]
  const failure = { code: 'ERR_NON_VIDEO', message: 'The file is not a video.' }
  const longer = after(7200)

  // Results for P, U, X, Q, I, E, R and D in this order, and for DELETED because it was not found at Stream.
  test.each<[string, Observation, string]>([
    ['pendingupload in time', polled({}), 'PUXQIERDP'],
    ['pendingupload at the deadline', polled({}, atDeadline), 'XXXQIERDX'],
    [
      'pendingupload, extended at Stream',
      polled({ uploadExpiresAt: longer }, atDeadline),
      'PUXQIERDP',
    ],
    [
      'pendingupload after the extended deadline',
      polled({ uploadExpiresAt: longer }, longer),
      'XXXQIERDX',
    ],
    [
      'pendingupload without a deadline',
      polled({ uploadExpiresAt: null }, atDeadline),
      'XXXQIERDX',
    ],
    ['downloading', polled({ state: 'downloading' }), 'QQQQIERDQ'],
    ['queued', polled({ state: 'queued' }), 'QQQQIERDQ'],
    ['queued, playable', polled({ state: 'queued', readyToStream: true }), 'RRRRRRRDR'],
    ['inprogress', polled({ state: 'inprogress' }), 'IIIIIERDI'],
    ['inprogress, playable', polled({ state: 'inprogress', readyToStream: true }), 'RRRRRRRDR'],
    ['ready', polled({ state: 'ready' }), 'RRRRRRRDR'],
    ['error', polled({ state: 'error', failure }), 'EEEEEERDE'],
    ['error, "playable"', polled({ state: 'error', readyToStream: true }), 'EEEEEERDE'],
    ['ready, by a webhook', webhook({ state: 'ready' }), 'RRRRRRRDD'],
    ['an unknown state', polled({ state: 'unknown' }), 'PUXQIERDP'],
    ['an unknown state, playable', polled({ state: 'unknown', readyToStream: true }), 'RRRRRRRDR'],
    ['live-inprogress', polled({ state: 'live-inprogress' }), 'PUXQIERDP'],
    [
      'no received byte',
      { kind: 'offset', source, at: beforeDeadline, receivedBytes: 0 },
      'PUXQIERDD',
    ],
    [
      'a first received byte',
      { kind: 'offset', source, at: beforeDeadline, receivedBytes: 1 },
      'UUXQIERDD',
    ],
    [
      'not found before the deadline',
      { kind: 'not-found', source, at: beforeDeadline },
      'DDDDDDDDD',
    ],
    ['not found at the deadline', { kind: 'not-found', source, at: atDeadline }, 'XXXDDDDDD'],
    ['deleted', { kind: 'deleted', source, at: beforeDeadline }, 'DDDDDDDDD'],
  ])('%s', (_what, observation, expected) => {
    const seen = uploads.map((upload) => applyAll(upload, [observation]).status)
    expect(seen).toEqual(expected.split('').map((letter) => statusByLetter.get(letter)))
  })

  test('a webhook does not decide about a video that a poll did not find', () => {
    const dropped = applyAll(uploadOf(), [{ kind: 'not-found', source, at: atDeadline }])
    expect(dropped).toMatchObject({ status: 'EXPIRED', goneAt: atDeadline })
    expect(applyAll(dropped, [webhook({}, atDeadline)]).status).toBe('EXPIRED')
    // It had been received, and was deleted.
    expect(applyAll(dropped, [webhook({ state: 'ready' }, atDeadline)]).status).toBe('DELETED')
  })

  test('a later poll corrects DELETED to the status observed before', () => {
    const notFound: Observation = { kind: 'not-found', source, at: beforeDeadline }
    const encoding = [polled({ state: 'inprogress' }), notFound]
    expect(applyAll(uploadOf(), encoding)).toMatchObject({
      status: 'DELETED',
      goneAt: beforeDeadline,
    })
    const foundAgain = applyAll(uploadOf(), [...encoding, polled({ state: 'queued' }, atDeadline)])
    expect(foundAgain).toMatchObject({ status: 'IN_PROGRESS', goneAt: null, version: 4 })
    const delivered = [notFound, webhook({ state: 'ready' }), polled({ state: 'queued' })]
    expect(applyAll(uploadOf(), delivered).status).toBe('READY')
    const failed = [polled({ state: 'error', failure }), notFound, polled({ state: 'error' })]
    expect(applyAll(uploadOf(), failed)).toMatchObject({ status: 'ERROR', failure })
  })

  test('a deletion by the gateway is permanent and not changed by later polls', () => {
    const deleted: Observation = { kind: 'deleted', source: 'MUTATION', at: beforeDeadline }
    const notFound: Observation = { kind: 'not-found', source, at: beforeDeadline }
    for (const observations of [[deleted], [notFound, deleted], [deleted, notFound]]) {
      const end = applyAll(uploadOf(), [...observations, polled({ state: 'ready' }, atDeadline)])
      expect(end).toMatchObject({ status: 'DELETED', deletedAt: beforeDeadline })
    }
  })
})

describe('fields of an upload', () => {
  test('are set from the video at Stream', () => {
    const video = videoOf({
      state: 'ready',
      readyToStream: true,
      encodingPercent: 100,
      readyAt: after(50),
      sizeBytes: 4711,
      durationSeconds: 12.5,
      width: 640,
      height: 360,
      hlsURL: 'https://example.com/video.m3u8',
      dashURL: 'https://example.com/video.mpd',
      thumbnailURL: 'https://example.com/thumbnail.jpg',
      previewURL: 'https://example.com/watch',
      modifiedAt: after(55),
    })
    expect(
      applyObservation(uploadOf(), { kind: 'video', source: 'WEBHOOK', at: beforeDeadline, video }),
    ).toEqual(
      uploadOf({
        status: 'READY',
        version: 2,
        updatedAt: beforeDeadline,
        progress: { totalBytes: 4711, receivedBytes: 4711, encodingPercent: 100 },
        video: {
          durationSeconds: 12.5,
          width: 640,
          height: 360,
          sizeBytes: 4711,
          hlsURL: 'https://example.com/video.m3u8',
          dashURL: 'https://example.com/video.mpd',
          thumbnailURL: 'https://example.com/thumbnail.jpg',
          previewURL: 'https://example.com/watch',
          readyAt: after(50),
        },
        describedAt: after(55),
      }),
    )
  })

  test('do not change when a pending upload is polled without news', () => {
    expect(applyObservation(uploadOf(), polled({ modifiedAt: after(1) }))).toBeNull()
  })

  test('keep the declared size of a tus upload, which is received with the file', () => {
    const progress = { totalBytes: 5000, receivedBytes: 10, encodingPercent: null }
    const upload = uploadOf({ protocol: 'TUS', status: 'UPLOADING', progress })
    const queued = applyAll(upload, [polled({ state: 'queued', sizeBytes: 4711 })])
    expect(queued.progress).toEqual({ ...progress, receivedBytes: 5000 })
  })

  test('never decrease the received bytes', () => {
    const far = applyAll(uploadOf(), [
      { kind: 'offset', source, at: beforeDeadline, receivedBytes: 70 },
      { kind: 'offset', source, at: beforeDeadline, receivedBytes: 50 },
    ])
    expect(far.progress.receivedBytes).toBe(70)
    expect(far.version).toBe(2)
  })

  test('improve while READY, and a later response replaces an earlier one', () => {
    const properties = { readyToStream: true, width: 640 } as const
    const better = applyAll(uploadOf(), [
      polled({ ...properties, state: 'inprogress', encodingPercent: 30, modifiedAt: after(1) }),
      polled({ state: 'ready', encodingPercent: 100, width: 1280, modifiedAt: after(2) }),
      polled({ ...properties, state: 'inprogress', encodingPercent: 60, modifiedAt: after(1) }),
    ])
    expect(better).toMatchObject({ status: 'READY', version: 3, video: { width: 1280 } })
    expect(better.progress.encodingPercent).toBe(100)
  })

  test('are kept when a later webhook omits them', () => {
    const known = { state: 'ready', width: 640, hlsURL: 'https://example.com/m' } as const
    const partial = applyAll(uploadOf(), [
      polled({ ...known, modifiedAt: after(1) }),
      polled({ state: 'ready', width: 640, modifiedAt: after(2) }),
    ])
    expect(partial.video?.hlsURL).toBe('https://example.com/m')
  })

  test('have a failure exactly while the status is ERROR', () => {
    const failure = { code: 'ERR_NON_VIDEO', message: 'The file is not a video.' }
    const failed = applyAll(uploadOf(), [polled({ state: 'error', failure })])
    expect(failed.failure).toEqual(failure)
    expect(applyAll(failed, [polled({ state: 'ready' })]).failure).toBeNull()
    expect(applyAll(failed, [{ kind: 'deleted', source, at: beforeDeadline }]).failure).toBeNull()
    expect(applyAll(failed, [polled({ state: 'inprogress' })]).failure).toEqual(failure)
  })

  test('prefer the failure with a reason', () => {
    const failure = { code: 'ERR_NON_VIDEO', message: 'The file is not a video.' }
    const unknown = { code: 'ERR_UNKNOWN', message: 'Stream gave no reason.' }
    const both = [failure, unknown].map((value) => polled({ state: 'error', failure: value }))
    expect(applyAll(uploadOf(), both).failure).toEqual(failure)
    expect(applyAll(uploadOf(), both.toReversed()).failure).toEqual(failure)
  })

  test('that were set at minting never change', () => {
    fc.assert(
      fc.property(fc.array(anyObservation, { maxLength: 6 }), (observations) => {
        const end = applyAll(uploadOf(), observations)
        const { version, updatedAt } = end
        expect(end).toEqual(uploadOf({ ...outcome(end), version, updatedAt }))
        expect(end.constraints.maxSizeBytes).toBe(uploadOf().constraints.maxSizeBytes)
      }),
    )
  })
})

describe('settings', () => {
  const REFERENCE = { headgate: 'deployment/reference' }
  const later = after(100)
  const asStored: Partial<StreamVideo> = {
    meta: { ...REFERENCE, name: 'holiday.mp4', take: '2', tags: '["a"]', empty: '' },
    allowedOrigins: ['example.com'],
    requireSignedURLs: true,
    scheduledDeletion: new Date('2026-06-01T00:00:00Z'),
    uploadExpiresAt: new Date(EXPIRES_AT.getTime() - 123),
    modifiedAt: later,
  }
  const upload = uploadOf({
    name: 'holiday.mp4',
    meta: { take: 2, tags: ['a'], empty: '' },
    constraints: {
      ...uploadOf().constraints,
      allowedOrigins: ['example.com'],
      requireSignedURLs: true,
      scheduledDeletion: new Date('2026-06-01T00:00:00.400Z'),
    },
  })

  test('do not change when Stream returns them as text, or in whole seconds', () => {
    expect(applyObservation(upload, polled(asStored))).toBeNull()
    const { empty: _empty, ...meta } = asStored.meta ?? {}
    expect(applyObservation(upload, polled({ ...asStored, meta }))).toBeNull()
  })

  test('do not change when Stream omits them', () => {
    expect(applyObservation(upload, polled({ uploadExpiresAt: null }))).toBeNull()
    const { allowedOrigins: _origins, ...others } = asStored
    expect(applyObservation(upload, polled(others))).toBeNull()
  })

  test.each<[string, Partial<StreamVideo>, Partial<Upload>]>([
    ['the name', { meta: { ...asStored.meta, name: 'b' } }, { name: 'b', meta: upload.meta }],
    ['a removed name', { meta: { ...REFERENCE, take: 2, tags: ['a'] } }, { name: null }],
    ['the metadata', { meta: { ...REFERENCE, take: 3 } }, { meta: { take: 3 } }],
    ['the origins', { allowedOrigins: [] }, {}],
    ['the privacy', { requireSignedURLs: false }, {}],
    ['the deletion', { scheduledDeletion: null }, {}],
    ['the duration', { maxDurationSeconds: 60 }, {}],
    ['the expiry', { uploadExpiresAt: after(7200) }, { expiresAt: after(7200) }],
  ])('follow Stream: %s', (_what, video, expected) => {
    const next = applyObservation(upload, polled({ ...asStored, ...video }))
    expect(next).toMatchObject({ version: 2, settingsAt: later, ...expected })
    const { meta: _meta, uploadExpiresAt: _expiry, ...constraints } = video
    expect(next?.constraints).toEqual({ ...upload.constraints, ...constraints })
    expect(applyAll(next ?? upload, [polled({ ...asStored, ...video })])).toBe(next)
  })

  test('do not follow a webhook, or metadata without the reference of the gateway', () => {
    const changed = { ...asStored, requireSignedURLs: false }
    expect(applyObservation(upload, webhook(changed))).toBeNull()
    expect(applyObservation(upload, polled({ ...asStored, meta: { name: 'b' } }))).toBeNull()
  })

  test('keep a recorded change when an older response is recorded after it', () => {
    const changed = applyAll(upload, [mutation({ ...asStored, requireSignedURLs: false })])
    const older = polled({ ...asStored, modifiedAt: after(99) })
    expect(applyAll(changed, [older]).constraints.requireSignedURLs).toBe(false)
    const newer = polled({ ...asStored, modifiedAt: after(101) })
    expect(applyAll(changed, [newer]).constraints.requireSignedURLs).toBe(true)
  })

  test('are a new version after each mutation, also of what the gateway does not store', () => {
    const first = applyAll(upload, [mutation(asStored)])
    expect(first).toMatchObject({ version: 2, settingsAt: later })
    const second = applyAll(first, [mutation({ ...asStored, modifiedAt: after(101) })])
    expect(second.version).toBe(3)
  })

  test('decide about the expiry from then on', () => {
    const extended = applyAll(upload, [mutation({ ...asStored, uploadExpiresAt: after(7200) })])
    const missing: Observation = { kind: 'not-found', source, at: atDeadline }
    expect(applyAll(upload, [missing]).status).toBe('EXPIRED')
    expect(applyAll(extended, [missing]).status).toBe('DELETED')
  })
})

describe('properties for arbitrary observations', () => {
  const options = { numRuns: 2000 }
  const anyPollResult = anyObservation.filter(
    (observation) => observation.kind === 'video' && observation.source !== 'WEBHOOK',
  )
  const upload = fc.constantFrom(
    uploadOf(),
    uploadOf({
      protocol: 'TUS',
      progress: { totalBytes: 12, receivedBytes: null, encodingPercent: null },
    }),
  )

  test('each accepted change is one version and an allowed transition', () => {
    fc.assert(
      fc.property(upload, fc.array(anyObservation, { maxLength: 8 }), (start, observations) => {
        let current = start
        for (const observation of observations) {
          const next = applyObservation(current, observation)
          if (next === null) continue
          expect(next.version).toBe(current.version + 1)
          expect(next.updatedAt).toEqual(observation.at)
          expect(rank(next.seenStatus)).toBeGreaterThanOrEqual(rank(current.seenStatus))
          const isTransition = next.status !== current.status
          expect(isTransition && !allowedTransitions[current.status].includes(next.status)).toBe(
            false,
          )
          // DELETED ends only by a poll, and not when the gateway deleted the upload.
          expect(isTransition && current.deletedAt !== null).toBe(false)
          expect(isTransition && current.status === 'DELETED' && !isPollResult(observation)).toBe(
            false,
          )
          expect(outcome(next)).not.toEqual(outcome(current))
          current = next
        }
      }),
      options,
    )
  })

  test('a repeated observation changes nothing, also after other observations', () => {
    fc.assert(
      fc.property(upload, withOneExpiry(1), (start, observations) => {
        const end = applyAll(start, observations)
        // Of the polls, only the last one counts.
        const last = observations.findLast(isPollResult)
        for (const observation of observations.filter(
          (other) => !isPollResult(other) || other === last,
        )) {
          expect(applyObservation(end, observation)).toBeNull()
        }
      }),
      options,
    )
  })

  test('every order of observations has the same result when polls keep their order', () => {
    const shuffled = withOneExpiry(2).chain((observations) =>
      fc.tuple(fc.constant(observations), shuffleKeepingPolls(observations)),
    )
    fc.assert(
      fc.property(upload, shuffled, (start, [observations, reordered]) => {
        expect(outcome(applyAll(start, reordered))).toEqual(outcome(applyAll(start, observations)))
      }),
      options,
    )
  })

  test('a final poll that finds the video removes the effect of earlier not-found polls', () => {
    const observations = fc.array(anyObservation, { maxLength: 6 })
    fc.assert(
      fc.property(upload, observations, anyPollResult, (start, before, pollResult) => {
        const withoutDeletions = before.filter(({ kind }) => kind !== 'deleted')
        const end = applyAll(start, [...withoutDeletions, pollResult])
        expect(end.status).toBe(end.seenStatus)
        // Except for a link that was not found after it had expired.
        fc.pre(end.status !== 'EXPIRED')
        const withoutNotFound = applyAll(start, [
          ...withoutDeletions.filter(({ kind }) => kind !== 'not-found'),
          pollResult,
        ])
        expect(outcome(end)).toEqual(outcome(withoutNotFound))
      }),
      options,
    )
  })
})

describe('sequences of real uploads', () => {
  const anySequence = fc.oneof(
    { weight: 3, arbitrary: receivedUpload },
    { weight: 1, arbitrary: expiredUpload },
  )
  const options = { numRuns: 1000 }

  test('shuffled and repeated webhooks have the same result', () => {
    const repeated = anySequence.chain(({ observations }) =>
      fc.tuple(
        fc.constant(observations),
        fc.array(fc.constantFrom(...observations), { maxLength: 5 }).chain((repeats) =>
          fc.shuffledSubarray([...observations, ...repeats], {
            minLength: observations.length + repeats.length,
          }),
        ),
      ),
    )
    fc.assert(
      fc.property(repeated, ([observations, delivered]) => {
        expect(outcome(applyAll(uploadOf(), delivered))).toEqual(
          outcome(applyAll(uploadOf(), observations)),
        )
      }),
      options,
    )
  })

  test('the final observations restore a received upload after any loss', () => {
    const withLosses = receivedUpload.chain(({ observations, finalObservations }) =>
      fc.tuple(
        fc.constant(observations),
        fc
          .shuffledSubarray([...observations])
          .map((delivered) => delivered.concat(finalObservations)),
      ),
    )
    fc.assert(
      fc.property(withLosses, ([observations, delivered]) => {
        expect(outcome(applyAll(uploadOf(), delivered))).toEqual(
          outcome(applyAll(uploadOf(), observations)),
        )
      }),
      options,
    )
  })

  test('the final observation makes an expired link EXPIRED after any loss', () => {
    const withLosses = expiredUpload.chain(({ observations, finalObservations }) =>
      fc
        .shuffledSubarray([...observations])
        .map((delivered) => delivered.concat(finalObservations)),
    )
    fc.assert(
      fc.property(withLosses, (delivered) => {
        expect(applyAll(uploadOf(), delivered)).toMatchObject({ status: 'EXPIRED', video: null })
      }),
      options,
    )
  })

  test('a sequence ends in READY, ERROR, EXPIRED or DELETED', () => {
    fc.assert(
      fc.property(anySequence, ({ observations }) => {
        expect(['READY', 'ERROR', 'EXPIRED', 'DELETED']).toContain(
          applyAll(uploadOf(), observations).status,
        )
      }),
      options,
    )
  })
})
