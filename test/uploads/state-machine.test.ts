/** The transition function: its table, its cases, and the laws that lost and late notices rely on. */
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
  disordered,
  isAnswer,
  expiredLife,
  receivedLife,
} from '../kit/observations.ts'
import { EXPIRES_AT, after, uploadOf, videoOf } from '../kit/samples.ts'

const source = 'SYNC'
const early = after(60)
const late = EXPIRES_AT

function rank(status: UploadStatus): number {
  return uploadStatuses.indexOf(status)
}

/** The upload after all of it. */
function afterAll(upload: Upload, observation: readonly Observation[]): Upload {
  let current = upload
  for (const one of observation) current = applyObservation(current, one) ?? current
  return current
}

/** Everything about an upload that must not depend on the order in which it was learnt. */
function outcome(upload: Upload) {
  const { status, progress, failure, video, describedAt, goneAt, deletedAt, seenStatus } = upload
  return { status, progress, failure, video, describedAt, goneAt, deletedAt, seenStatus }
}

/** As Stream answers when it is asked. */
function described(video: Partial<StreamVideo>, at = early): Observation {
  return { kind: 'video', source, at, video: videoOf(video) }
}

function webhook(video: Partial<StreamVideo>, at = early): Observation {
  return { kind: 'video', source: 'WEBHOOK', at, video: videoOf(video) }
}

describe('the table of legal moves', () => {
  test('has a row for every status', () => {
    expect(Object.keys(allowedTransitions).toSorted()).toEqual([...uploadStatuses].toSorted())
  })

  test('goes forward only, in the order of the statuses, but for DELETED', () => {
    for (const from of uploadStatuses) {
      if (from === 'DELETED') continue
      for (const to of allowedTransitions[from]) expect(rank(to)).toBeGreaterThan(rank(from))
    }
  })

  test('is transitive: a move may skip what was not seen', () => {
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

  test('lets every status but DELETED end in DELETED', () => {
    for (const from of uploadStatuses) {
      expect(allowedTransitions[from].includes('DELETED')).toBe(from !== 'DELETED')
    }
  })

  test('counts a file as received from QUEUED on', () => {
    expect(uploadStatuses.filter(isReceived)).toEqual(['QUEUED', 'IN_PROGRESS', 'ERROR', 'READY'])
  })
})

describe('what each piece of evidence makes of each status', () => {
  const initials = { P: 'PENDING_UPLOAD', U: 'UPLOADING', X: 'EXPIRED', Q: 'QUEUED' } as const
  const others = { I: 'IN_PROGRESS', E: 'ERROR', R: 'READY', D: 'DELETED' } as const
  const named = new Map<string, UploadStatus>(Object.entries({ ...initials, ...others }))
  const uploads = [
    ...[...named].map(([, status]) =>
      uploadOf({ status, deletedAt: status === 'DELETED' ? after(30) : null }),
    ),
    // Pending, and Stream did not know it.
    uploadOf({ status: 'DELETED', goneAt: after(30), seenStatus: 'PENDING_UPLOAD' }),
  ]
  const failure = { code: 'ERR_NON_VIDEO', message: 'The file is not a video.' }
  const longer = after(7200)

  // From P, U, X, Q, I, E, R and D in this order, and from DELETED because Stream did not know it.
  test.each<[string, Observation, string]>([
    ['pendingupload in time', described({}), 'PUXQIERDP'],
    ['pendingupload at the deadline', described({}, late), 'XXXQIERDX'],
    [
      'pendingupload, extended at Stream',
      described({ uploadExpiresAt: longer }, late),
      'PUXQIERDP',
    ],
    ['pendingupload past that', described({ uploadExpiresAt: longer }, longer), 'XXXQIERDX'],
    ['pendingupload, no deadline told', described({ uploadExpiresAt: null }, late), 'XXXQIERDX'],
    ['downloading', described({ state: 'downloading' }), 'QQQQIERDQ'],
    ['queued', described({ state: 'queued' }), 'QQQQIERDQ'],
    ['queued, playable', described({ state: 'queued', readyToStream: true }), 'RRRRRRRDR'],
    ['inprogress', described({ state: 'inprogress' }), 'IIIIIERDI'],
    ['inprogress, playable', described({ state: 'inprogress', readyToStream: true }), 'RRRRRRRDR'],
    ['ready', described({ state: 'ready' }), 'RRRRRRRDR'],
    ['error', described({ state: 'error', failure }), 'EEEEEERDE'],
    ['error, "playable"', described({ state: 'error', readyToStream: true }), 'EEEEEERDE'],
    ['ready, by a webhook', webhook({ state: 'ready' }), 'RRRRRRRDD'],
    ['a state unheard of', described({ state: 'unknown' }), 'PUXQIERDP'],
    ['unheard of, playable', described({ state: 'unknown', readyToStream: true }), 'RRRRRRRDR'],
    ['live-inprogress', described({ state: 'live-inprogress' }), 'PUXQIERDP'],
    ['no byte yet', { kind: 'offset', source, at: early, receivedBytes: 0 }, 'PUXQIERDD'],
    ['a first byte', { kind: 'offset', source, at: early, receivedBytes: 1 }, 'UUXQIERDD'],
    ['absent in time', { kind: 'not-found', source, at: early }, 'DDDDDDDDD'],
    ['absent at the deadline', { kind: 'not-found', source, at: late }, 'XXXDDDDDD'],
    ['deleted', { kind: 'deleted', source, at: early }, 'DDDDDDDDD'],
  ])('%s', (_what, observation, expected) => {
    const seen = uploads.map((upload) => afterAll(upload, [observation]).status)
    expect(seen).toEqual(expected.split('').map((letter) => named.get(letter)))
  })

  test('a webhook about a video that Stream did not know when it was asked decides nothing', () => {
    const dropped = afterAll(uploadOf(), [{ kind: 'not-found', source, at: late }])
    expect(dropped).toMatchObject({ status: 'EXPIRED', goneAt: late })
    expect(afterAll(dropped, [webhook({}, late)]).status).toBe('EXPIRED')
    // It had been received, and was deleted.
    expect(afterAll(dropped, [webhook({ state: 'ready' }, late)]).status).toBe('DELETED')
  })

  test('DELETED is corrected by what Stream answers later, from what was seen before on', () => {
    const gone: Observation = { kind: 'not-found', source, at: early }
    const encoding = [described({ state: 'inprogress' }), gone]
    expect(afterAll(uploadOf(), encoding)).toMatchObject({ status: 'DELETED', goneAt: early })
    const back = afterAll(uploadOf(), [...encoding, described({ state: 'queued' }, late)])
    expect(back).toMatchObject({ status: 'IN_PROGRESS', goneAt: null, version: 4 })
    const heard = [gone, webhook({ state: 'ready' }), described({ state: 'queued' })]
    expect(afterAll(uploadOf(), heard).status).toBe('READY')
    const failed = [described({ state: 'error', failure }), gone, described({ state: 'error' })]
    expect(afterAll(uploadOf(), failed)).toMatchObject({ status: 'ERROR', failure })
  })

  test('a deletion by the gateway is final, whatever Stream answers later', () => {
    const deleted: Observation = { kind: 'deleted', source: 'MUTATION', at: early }
    const gone: Observation = { kind: 'not-found', source, at: early }
    for (const observation of [[deleted], [gone, deleted], [deleted, gone]]) {
      const end = afterAll(uploadOf(), [...observation, described({ state: 'ready' }, late)])
      expect(end).toMatchObject({ status: 'DELETED', deletedAt: early })
    }
  })
})

describe('facts', () => {
  test('a description fills in what Stream knows', () => {
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
      applyObservation(uploadOf(), { kind: 'video', source: 'WEBHOOK', at: early, video }),
    ).toEqual(
      uploadOf({
        status: 'READY',
        version: 2,
        updatedAt: early,
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

  test('a pending upload has no video, and asking after it in vain changes nothing', () => {
    expect(applyObservation(uploadOf(), described({ modifiedAt: after(1) }))).toBeNull()
  })

  test('the declared size of a tus upload stands, and arrives with the file', () => {
    const progress = { totalBytes: 5000, receivedBytes: 10, encodingPercent: null }
    const upload = uploadOf({ protocol: 'TUS', status: 'UPLOADING', progress })
    const queued = afterAll(upload, [described({ state: 'queued', sizeBytes: 4711 })])
    expect(queued.progress).toEqual({ ...progress, receivedBytes: 5000 })
  })

  test('the received bytes never shrink', () => {
    const far = afterAll(uploadOf(), [
      { kind: 'offset', source, at: early, receivedBytes: 70 },
      { kind: 'offset', source, at: early, receivedBytes: 50 },
    ])
    expect(far.progress.receivedBytes).toBe(70)
    expect(far.version).toBe(2)
  })

  test('READY goes on improving, and a later word of Stream replaces an earlier one', () => {
    const looks = { readyToStream: true, width: 640 } as const
    const better = afterAll(uploadOf(), [
      described({ ...looks, state: 'inprogress', encodingPercent: 30, modifiedAt: after(1) }),
      described({ state: 'ready', encodingPercent: 100, width: 1280, modifiedAt: after(2) }),
      described({ ...looks, state: 'inprogress', encodingPercent: 60, modifiedAt: after(1) }),
    ])
    expect(better).toMatchObject({ status: 'READY', version: 3, video: { width: 1280 } })
    expect(better.progress.encodingPercent).toBe(100)
  })

  test('a notice that says less, later, takes nothing away', () => {
    const known = { state: 'ready', width: 640, hlsURL: 'https://example.com/m' } as const
    const lean = afterAll(uploadOf(), [
      described({ ...known, modifiedAt: after(1) }),
      described({ state: 'ready', width: 640, modifiedAt: after(2) }),
    ])
    expect(lean.video?.hlsURL).toBe('https://example.com/m')
  })

  test('a failure is there exactly while the status is ERROR', () => {
    const failure = { code: 'ERR_NON_VIDEO', message: 'The file is not a video.' }
    const failed = afterAll(uploadOf(), [described({ state: 'error', failure })])
    expect(failed.failure).toEqual(failure)
    expect(afterAll(failed, [described({ state: 'ready' })]).failure).toBeNull()
    expect(afterAll(failed, [{ kind: 'deleted', source, at: early }]).failure).toBeNull()
    expect(afterAll(failed, [described({ state: 'inprogress' })]).failure).toEqual(failure)
  })

  test('of two failures the one with a reason is told', () => {
    const failure = { code: 'ERR_NON_VIDEO', message: 'The file is not a video.' }
    const unknown = { code: 'ERR_UNKNOWN', message: 'Stream gave no reason.' }
    const both = [failure, unknown].map((one) => described({ state: 'error', failure: one }))
    expect(afterAll(uploadOf(), both).failure).toEqual(failure)
    expect(afterAll(uploadOf(), both.toReversed()).failure).toEqual(failure)
  })

  test('what was agreed when the URL was minted never changes', () => {
    fc.assert(
      fc.property(fc.array(anyObservation, { maxLength: 6 }), (observation) => {
        const end = afterAll(uploadOf(), observation)
        const { version, updatedAt } = end
        expect(end).toEqual(uploadOf({ ...outcome(end), version, updatedAt }))
      }),
    )
  })
})

describe('the laws, for any evidence whatever', () => {
  const runs = { numRuns: 2000 }
  const anyAnswer = anyObservation.filter((one) => one.kind === 'video' && one.source === 'SYNC')
  const upload = fc.constantFrom(
    uploadOf(),
    uploadOf({
      protocol: 'TUS',
      progress: { totalBytes: 12, receivedBytes: null, encodingPercent: null },
    }),
  )

  test('each accepted change is one version and a legal move', () => {
    fc.assert(
      fc.property(upload, fc.array(anyObservation, { maxLength: 8 }), (start, observation) => {
        let current = start
        for (const one of observation) {
          const next = applyObservation(current, one)
          if (next === null) continue
          expect(next.version).toBe(current.version + 1)
          expect(next.updatedAt).toEqual(one.at)
          expect(rank(next.seenStatus)).toBeGreaterThanOrEqual(rank(current.seenStatus))
          const isMove = next.status !== current.status
          expect(isMove && !allowedTransitions[current.status].includes(next.status)).toBe(false)
          // Out of DELETED by an answer of Stream only, and not where the gateway deleted it.
          expect(isMove && current.deletedAt !== null).toBe(false)
          expect(isMove && current.status === 'DELETED' && !isAnswer(one)).toBe(false)
          expect(outcome(next)).not.toEqual(outcome(current))
          current = next
        }
      }),
      runs,
    )
  })

  test('what was heard before says nothing new, however much was heard in between', () => {
    fc.assert(
      fc.property(
        upload,
        fc.array(anyObservation, { minLength: 1, maxLength: 6 }),
        (start, observation) => {
          const end = afterAll(start, observation)
          // Of Stream's answers, the last one.
          const last = observation.findLast(isAnswer)
          for (const one of observation.filter((told) => !isAnswer(told) || told === last)) {
            expect(applyObservation(end, one)).toBeNull()
          }
        },
      ),
      runs,
    )
  })

  test('every order of the same evidence ends the same, where the order of the answers stays', () => {
    const shuffled = fc
      .array(anyObservation, { minLength: 2, maxLength: 6 })
      .chain((observation) => fc.tuple(fc.constant(observation), disordered(observation)))
    fc.assert(
      fc.property(upload, shuffled, (start, [observation, otherwise]) => {
        expect(outcome(afterAll(start, otherwise))).toEqual(outcome(afterAll(start, observation)))
      }),
      runs,
    )
  })

  test('where Stream knows the video at last, nothing is left of its absences', () => {
    const observation = fc.array(anyObservation, { maxLength: 6 })
    fc.assert(
      fc.property(upload, observation, anyAnswer, (start, before, answer) => {
        const kept = before.filter(({ kind }) => kind !== 'deleted')
        const end = afterAll(start, [...kept, answer])
        expect(end.status).toBe(end.seenStatus)
        // But for a link that was found to be dropped after it had expired.
        fc.pre(end.status !== 'EXPIRED')
        const never = afterAll(start, [...kept.filter(({ kind }) => kind !== 'not-found'), answer])
        expect(outcome(end)).toEqual(outcome(never))
      }),
      runs,
    )
  })
})

describe('the lives of real videos', () => {
  const life = fc.oneof(
    { weight: 3, arbitrary: receivedLife },
    { weight: 1, arbitrary: expiredLife },
  )
  const runs = { numRuns: 1000 }

  test('shuffled and repeated notices end where the life ended', () => {
    const heardAgain = life.chain(({ evidence: observation }) =>
      fc.tuple(
        fc.constant(observation),
        fc.array(fc.constantFrom(...observation), { maxLength: 5 }).chain((again) =>
          fc.shuffledSubarray([...observation, ...again], {
            minLength: observation.length + again.length,
          }),
        ),
      ),
    )
    fc.assert(
      fc.property(heardAgain, ([observation, heard]) => {
        expect(outcome(afterAll(uploadOf(), heard))).toEqual(
          outcome(afterAll(uploadOf(), observation)),
        )
      }),
      runs,
    )
  })

  test('whatever was lost of a received video, its last words bring everything back', () => {
    const lossy = receivedLife.chain(({ evidence: observation, lastWords }) =>
      fc.tuple(
        fc.constant(observation),
        fc.shuffledSubarray([...observation]).map((heard) => heard.concat(lastWords)),
      ),
    )
    fc.assert(
      fc.property(lossy, ([observation, heard]) => {
        expect(outcome(afterAll(uploadOf(), heard))).toEqual(
          outcome(afterAll(uploadOf(), observation)),
        )
      }),
      runs,
    )
  })

  test('whatever was lost of a lapsed link, its last word is EXPIRED', () => {
    const lossy = expiredLife.chain(({ evidence: observation, lastWords }) =>
      fc.shuffledSubarray([...observation]).map((heard) => heard.concat(lastWords)),
    )
    fc.assert(
      fc.property(lossy, (heard) => {
        expect(afterAll(uploadOf(), heard)).toMatchObject({ status: 'EXPIRED', video: null })
      }),
      runs,
    )
  })

  test('a life ends in READY, ERROR, EXPIRED or DELETED', () => {
    fc.assert(
      fc.property(life, ({ evidence: observation }) => {
        expect(['READY', 'ERROR', 'EXPIRED', 'DELETED']).toContain(
          afterAll(uploadOf(), observation).status,
        )
      }),
      runs,
    )
  })
})
