/** Evidence for property tests: any at all, and what the lives of real videos leave behind. */
import * as fc from 'fast-check'
import type { StreamState, StreamVideo } from '../../src/uploads/ports/stream-api.ts'
import type { Observation } from '../../src/uploads/status/state-machine.ts'
import { uploadEventSources } from '../../src/uploads/upload.ts'
import { EXPIRES_AT, after, videoOf } from './samples.ts'

const EXPIRY_SECONDS = (EXPIRES_AT.getTime() - after(0).getTime()) / 1000

const states: readonly StreamState[] = [
  'pendingupload',
  'downloading',
  'queued',
  'inprogress',
  'ready',
  'error',
  'live-inprogress',
  'unknown',
]

const source = fc.constantFrom(...uploadEventSources)
/** On both sides of the deadline, and at it. */
const at = fc.integer({ min: -3, max: 3 }).map((step) => after(EXPIRY_SECONDS + step))
// Few different values, so that ties, repeats and contradictions are frequent.
const amount = fc.constantFrom(null, 10, 20)
const address = fc.constantFrom(null, 'https://a.example.com', 'https://b.example.com')
const timestamp = fc.constantFrom(null, after(1), after(2), after(3))

/** A description that no video needs ever have had. */
const anyVideo: fc.Arbitrary<StreamVideo> = fc
  .record({
    state: fc.constantFrom(...states),
    encodingPercent: fc.constantFrom(null, 0, 39, 100),
    readyToStream: fc.boolean(),
    readyAt: timestamp,
    failure: fc.constantFrom(
      null,
      { code: 'ERR_UNKNOWN', message: 'Stream gave no reason.' },
      { code: 'ERR_NON_VIDEO', message: 'The file is not a video.' },
      { code: 'ERR_NON_VIDEO', message: 'Das ist kein Video.' },
    ),
    sizeBytes: amount,
    durationSeconds: amount,
    width: amount,
    height: amount,
    hlsURL: address,
    dashURL: address,
    thumbnailURL: address,
    previewURL: address,
    modifiedAt: timestamp,
    uploadExpiresAt: fc.constantFrom(null, EXPIRES_AT, after(EXPIRY_SECONDS + 2)),
  })
  .map(videoOf)

/** Any evidence at all, however unlikely. */
export const anyObservation: fc.Arbitrary<Observation> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({ kind: fc.constant('video' as const), source, at, video: anyVideo }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('offset' as const),
      source,
      at,
      receivedBytes: fc.constantFrom(0, 5, 10, 15),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constantFrom('not-found' as const), source, at }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constantFrom('deleted' as const), source, at }),
  },
)

/**
 * Whether it is what Stream answered when it was asked: that comes in the order of the questions, and
 * the last one decides whether the video is there.
 */
export function isAnswer(observation: Observation): boolean {
  return (
    observation.kind === 'not-found' ||
    (observation.kind === 'video' && observation.source === 'SYNC')
  )
}

/** The same evidence in another order, but for Stream's answers among themselves. */
export function disordered(
  observation: readonly Observation[],
): fc.Arbitrary<readonly Observation[]> {
  const answers = observation.filter(isAnswer)
  return fc
    .shuffledSubarray([...observation], { minLength: observation.length })
    .map((shuffled) => {
      let next = 0
      return shuffled.map((one) => (isAnswer(one) ? (answers[next++] ?? one) : one))
    })
}

/** All that was ever said about one upload, in the order in which it came about. */
export interface Life {
  readonly evidence: readonly Observation[]
  /** What no loss may take: Stream's last word, and whether the video is gone. */
  readonly lastWords: readonly Observation[]
}

const SIZE_BYTES = 1_000_000

/** Bytes arrive, the file is queued, encoded and ready (or refused), and perhaps deleted. */
export const receivedLife: fc.Arbitrary<Life> = fc
  .record({
    offsets: fc.array(fc.integer({ min: 0, max: SIZE_BYTES }), { maxLength: 3 }),
    percents: fc.array(fc.integer({ min: 0, max: 99 }), { maxLength: 4 }),
    playableFrom: fc.integer({ min: 0, max: 4 }),
    failed: fc.boolean(),
    // Stream need not touch `modified` with every percent.
    touched: fc.infiniteStream(fc.boolean()),
    ending: fc.constantFrom('kept', 'deleted', 'not-found'),
    startsSeconds: fc.constantFrom(10, EXPIRY_SECONDS - 5, EXPIRY_SECONDS + 60),
  })
  .map(({ offsets, percents, playableFrom, failed, touched, ending, startsSeconds }) => {
    let seconds = startsSeconds
    let modifiedAt = after(seconds)
    const observation: Observation[] = []
    const known: Partial<StreamVideo> = { sizeBytes: SIZE_BYTES, hlsURL: 'https://example.com/m' }
    function describe(said: Partial<StreamVideo>): void {
      seconds += 1
      if (touched.next().value) modifiedAt = after(seconds)
      const video = videoOf({ ...known, ...said, modifiedAt })
      observation.push({ kind: 'video', source: 'WEBHOOK', at: after(seconds), video })
    }

    // Before the first byte, and not so late that the link could have lapsed by then.
    if (startsSeconds < EXPIRY_SECONDS - 10) describe({ sizeBytes: null, hlsURL: null })
    for (const receivedBytes of offsets.toSorted((a, b) => a - b)) {
      seconds += 1
      observation.push({ kind: 'offset', source: 'SYNC', at: after(seconds), receivedBytes })
    }
    describe({ state: 'queued' })
    const looked = { durationSeconds: 12.5, width: 640, height: 360 }
    for (const [index, encodingPercent] of percents.toSorted((a, b) => a - b).entries()) {
      const readyToStream = !failed && index >= playableFrom
      describe({ ...looked, state: 'inprogress', encodingPercent, readyToStream })
    }
    seconds += 1
    modifiedAt = after(seconds)
    const failure = { code: 'ERR_MALFORMED_VIDEO', message: 'The file is damaged.' }
    const encodingPercent = failed ? Math.max(0, ...percents) : 100
    if (failed) describe({ ...looked, state: 'error', encodingPercent, failure })
    else {
      const readyAt = after(seconds)
      describe({ ...looked, state: 'ready', encodingPercent, readyToStream: true, readyAt })
    }
    const lastWords = observation.slice(-1)
    if (ending !== 'kept') {
      const gone = { kind: ending, source: 'SYNC', at: after(seconds + 10) } as const
      observation.push(gone)
      lastWords.push(gone)
    }
    return { evidence: observation, lastWords }
  })

/** Bytes may arrive, but never all of them: the link lapses, and Stream may drop it. */
export const expiredLife: fc.Arbitrary<Life> = fc
  .record({
    offsets: fc.array(fc.integer({ min: 0, max: SIZE_BYTES - 1 }), { maxLength: 3 }),
    dropped: fc.boolean(),
  })
  .map(({ offsets, dropped }) => {
    const video = videoOf({ modifiedAt: after(0) })
    const late = after(EXPIRY_SECONDS + 5)
    const last: Observation = dropped
      ? { kind: 'not-found', source: 'SYNC', at: late }
      : { kind: 'video', source: 'WEBHOOK', at: late, video }
    const observation: Observation[] = [
      { kind: 'video', source: 'WEBHOOK', at: after(15), video },
      ...offsets.map((receivedBytes, index) => {
        return { kind: 'offset', source: 'SYNC', at: after(20 + index), receivedBytes } as const
      }),
      last,
    ]
    return { evidence: observation, lastWords: [last] }
  })
