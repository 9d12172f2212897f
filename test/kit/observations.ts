/** Arbitrary observations for property tests, and sequences as real uploads produce them. */
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
/** Before, at and after the deadline. */
const at = fc.integer({ min: -3, max: 3 }).map((step) => after(EXPIRY_SECONDS + step))
// Few different values, so that ties, repeats and contradictions are frequent.
const amount = fc.constantFrom(null, 10, 20)
const address = fc.constantFrom(null, 'https://a.example.com', 'https://b.example.com')
const timestamp = fc.constantFrom(null, after(1), after(2), after(3))

/** An arbitrary description, which Stream may never return. */
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
    requireSignedURLs: fc.constantFrom(null, false, true),
    meta: fc.constantFrom({}, { headgate: 'x/reference', name: 'a' }, { headgate: 'x/reference' }),
  })
  .map(videoOf)

/** An arbitrary observation, however unlikely. */
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
 * Whether the observation is a response of Stream to the gateway. They are recorded in order, and the last one
 * decides whether the video exists, and about the settings.
 */
export function isPollResult(observation: Observation): boolean {
  return (
    observation.kind === 'not-found' ||
    (observation.kind === 'video' && observation.source !== 'WEBHOOK')
  )
}

/** The same observations in another order, except that poll results keep theirs. */
export function shuffleKeepingPolls(
  observations: readonly Observation[],
): fc.Arbitrary<readonly Observation[]> {
  const pollResults = observations.filter(isPollResult)
  return fc
    .shuffledSubarray([...observations], { minLength: observations.length })
    .map((shuffled) => {
      let next = 0
      return shuffled.map((observation) =>
        isPollResult(observation) ? (pollResults[next++] ?? observation) : observation,
      )
    })
}

/** All observations of one upload, in the order in which they occurred. */
export interface ObservationSequence {
  readonly observations: readonly Observation[]
  /** Observations that must not be lost: the last state at Stream, and whether the video is gone. */
  readonly finalObservations: readonly Observation[]
}

const SIZE_BYTES = 1_000_000

/** Bytes arrive, the file is queued, encoded and ready (or fails), and may be deleted. */
export const receivedUpload: fc.Arbitrary<ObservationSequence> = fc
  .record({
    offsets: fc.array(fc.integer({ min: 0, max: SIZE_BYTES }), { maxLength: 3 }),
    percents: fc.array(fc.integer({ min: 0, max: 99 }), { maxLength: 4 }),
    playableFrom: fc.integer({ min: 0, max: 4 }),
    failed: fc.boolean(),
    // Stream need not change `modified` with every percent.
    touched: fc.infiniteStream(fc.boolean()),
    ending: fc.constantFrom('kept', 'deleted', 'not-found'),
    startsSeconds: fc.constantFrom(10, EXPIRY_SECONDS - 5, EXPIRY_SECONDS + 60),
  })
  .map(({ offsets, percents, playableFrom, failed, touched, ending, startsSeconds }) => {
    let seconds = startsSeconds
    let modifiedAt = after(seconds)
    const observations: Observation[] = []
    const known: Partial<StreamVideo> = { sizeBytes: SIZE_BYTES, hlsURL: 'https://example.com/m' }
    function describe(fields: Partial<StreamVideo>): void {
      seconds += 1
      if (touched.next().value) modifiedAt = after(seconds)
      const video = videoOf({ ...known, ...fields, modifiedAt })
      observations.push({ kind: 'video', source: 'WEBHOOK', at: after(seconds), video })
    }

    // Before the first byte, and early enough that the link cannot have expired.
    if (startsSeconds < EXPIRY_SECONDS - 10) describe({ sizeBytes: null, hlsURL: null })
    for (const receivedBytes of offsets.toSorted((a, b) => a - b)) {
      seconds += 1
      observations.push({ kind: 'offset', source: 'SYNC', at: after(seconds), receivedBytes })
    }
    describe({ state: 'queued' })
    const properties = { durationSeconds: 12.5, width: 640, height: 360 }
    for (const [index, encodingPercent] of percents.toSorted((a, b) => a - b).entries()) {
      const readyToStream = !failed && index >= playableFrom
      describe({ ...properties, state: 'inprogress', encodingPercent, readyToStream })
    }
    seconds += 1
    modifiedAt = after(seconds)
    const failure = { code: 'ERR_MALFORMED_VIDEO', message: 'The file is damaged.' }
    const encodingPercent = failed ? Math.max(0, ...percents) : 100
    if (failed) describe({ ...properties, state: 'error', encodingPercent, failure })
    else {
      const readyAt = after(seconds)
      describe({ ...properties, state: 'ready', encodingPercent, readyToStream: true, readyAt })
    }
    const finalObservations = observations.slice(-1)
    if (ending !== 'kept') {
      const lastObservation = { kind: ending, source: 'SYNC', at: after(seconds + 10) } as const
      observations.push(lastObservation)
      finalObservations.push(lastObservation)
    }
    return { observations, finalObservations }
  })

/** Bytes may arrive, but never all of them: the link expires, and Stream may delete it. */
export const expiredUpload: fc.Arbitrary<ObservationSequence> = fc
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
    const observations: Observation[] = [
      { kind: 'video', source: 'WEBHOOK', at: after(15), video },
      ...offsets.map((receivedBytes, index) => {
        return { kind: 'offset', source: 'SYNC', at: after(20 + index), receivedBytes } as const
      }),
      last,
    ]
    return { observations, finalObservations: [last] }
  })
