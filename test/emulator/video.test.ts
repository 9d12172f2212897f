/** Pure functions: a video's state, reserved and stored seconds at any time, and their sums. */
import * as fc from 'fast-check'
import { expect, test } from 'vitest'

import { openDatabase } from '../../src/emulator/state/database.ts'
import { storageTotals } from '../../src/emulator/state/storage.ts'
import { formatMicroseconds, parseMicroseconds } from '../../src/emulator/timestamp.ts'
import { VideoLibrary } from '../../src/emulator/state/video-library.ts'
import {
  progressAt,
  reservedSeconds,
  storedSeconds,
  VIDEO_STATES,
  type Video,
} from '../../src/emulator/state/video.ts'

const mediaInfo = { contentType: 'video/mp4', width: 640, height: 360 }
const failure = { code: 'ERR_UNKNOWN', text: 'x' }

const videos = fc
  .record({
    created: fc.nat(1000),
    lifetime: fc.nat(1000),
    received: fc.option(fc.nat(1000)),
    encodeMs: fc.nat(1000),
    isRead: fc.boolean(),
    durationSeconds: fc.double({ min: 0.1, max: 100, noNaN: true }),
    fails: fc.boolean(),
    creator: fc.option(fc.constantFrom('ada', 'bo')),
    maxDurationSeconds: fc.integer({ min: 1, max: 100 }),
  })
  .map((drawn): Video => {
    const receivedAt = drawn.received === null ? null : drawn.created + drawn.received
    const media = {
      ...mediaInfo,
      durationSeconds: drawn.durationSeconds,
      failure: drawn.fails ? failure : null,
    }
    return {
      uid: '',
      kind: 'basic',
      uploadId: '',
      creator: drawn.creator,
      meta: {},
      allowedOrigins: [],
      requireSignedURLs: false,
      scheduledDeletion: null,
      thumbnailTimestampPct: 0,
      publicDetails: {},
      maxDurationSeconds: drawn.maxDurationSeconds,
      uploadExpiry: drawn.created + drawn.lifetime,
      uploadLength: null,
      uploadMetadata: null,
      createdMicroseconds: drawn.created * 1000,
      changedAt: drawn.created,
      receivedAt,
      finishesAt: receivedAt === null ? null : receivedAt + drawn.encodeMs,
      sizeBytes: receivedAt === null ? null : 1,
      media: receivedAt !== null && drawn.isRead ? media : null,
      watermark: null,
    }
  })

test('the state and percent of a received video never go back over time', () => {
  const stateOrder = ['queued', 'inprogress', 'ready', 'error']
  const received = videos.filter((video) => video.receivedAt !== null)
  fc.assert(
    fc.property(received, fc.nat(4000), fc.nat(1000), (video, since, more) => {
      const start = (video.receivedAt ?? 0) + since
      const earlier = progressAt(video, start)
      const later = progressAt(video, start + more)
      expect(stateOrder.indexOf(later.state)).toBeGreaterThanOrEqual(
        stateOrder.indexOf(earlier.state),
      )
      expect(later.percent).toBeGreaterThanOrEqual(earlier.percent)
      expect(VIDEO_STATES).toContain(later.state)
    }),
  )
})

test('the totals of the account are the sums of its videos', () => {
  fc.assert(
    fc.property(fc.array(videos, { maxLength: 8 }), fc.nat(4000), (drawn, now) => {
      const database = openDatabase(':memory:')
      const library = new VideoLibrary(database)
      const stored = drawn.map((video, index) => {
        const id = String(index).padStart(32, '0')
        library.insert({ ...video, uid: id, uploadId: id, media: null })
        if (video.media !== null) library.setMedia(id, video.media)
        return { ...video, uid: id }
      })
      for (const creator of [null, 'ada']) {
        const counted = stored.filter((video) => creator === null || video.creator === creator)
        const sum = (count: (video: Video, time: number) => number) =>
          counted.reduce((total, video) => total + count(video, now), 0)
        expect(storageTotals(database, now, creator)).toMatchObject({
          reservedSeconds: sum(reservedSeconds),
          storedSeconds: sum(storedSeconds),
        })
      }
      database.close()
    }),
    { numRuns: 60 },
  )
})

test('formatted timestamps parse to the same value', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 4_000_000_000_000_000 }), (microseconds) => {
      expect(parseMicroseconds(formatMicroseconds(microseconds))).toBe(microseconds)
    }),
  )
})

test.each([
  ['2024-02-27T07:20:50Z', 1_709_018_450_000_000],
  ['2024-02-27T07:20:50.5+01:00', 1_709_014_850_500_000],
  ['2024-02-27T07:20:50.123456789Z', 1_709_018_450_123_456],
  ['2024-02-30T07:20:50Z', null],
  ['2024-02-27', null],
  ['2024-02-27T07:20:50', null],
  ['', null],
])('%s is parsed as %s', (text, microseconds) => {
  expect(parseMicroseconds(text)).toBe(microseconds)
})
