/** The lenient reader of videos: Stream's examples, missing and malformed fields. */
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { isVideoUid, readVideo } from '../../src/stream/read-video.ts'

const uid = 'dd5d531a12de0c724bd1275a3b2bc9c6'
const site = 'https://customer-m033z5x00ks6nunl.cloudflarestream.com'

const emptyVideo = {
  uid,
  state: 'unknown',
  encodingPercent: null,
  readyToStream: false,
  readyAt: null,
  failure: null,
  sizeBytes: null,
  durationSeconds: null,
  width: null,
  height: null,
  hlsURL: null,
  dashURL: null,
  thumbnailURL: null,
  previewURL: null,
  creator: null,
  meta: {},
  maxDurationSeconds: null,
  allowedOrigins: null,
  requireSignedURLs: null,
  scheduledDeletion: undefined,
  createdAt: null,
  modifiedAt: null,
  uploadExpiresAt: null,
}

test('reads a video with every field', () => {
  const video = readVideo({
    uid,
    creator: 'user-1',
    thumbnail: `${site}/${uid}/thumbnails/thumbnail.jpg`,
    thumbnailTimestampPct: 0,
    readyToStream: true,
    readyToStreamAt: '2022-06-30T17:55:00Z',
    status: { state: 'ready', step: 'encoding', pctComplete: '39.000000', errorReasonCode: '' },
    meta: { name: 'x.mp4', nested: { list: [1, null, 'a'] } },
    created: '2022-06-30T17:53:12.512033Z',
    modified: '2022-06-30T19:53:13.12+02:00',
    uploadExpiry: '2022-07-01T17:53:12.123456789Z',
    allowedOrigins: ['example.com'],
    requireSignedURLs: true,
    scheduledDeletion: '2022-08-01T00:00:00Z',
    size: 383_631,
    preview: `${site}/${uid}/watch`,
    maxDurationSeconds: 600,
    duration: 5.5,
    input: { width: 1920, height: 1080 },
    playback: { hls: `${site}/a.m3u8`, dash: `${site}/a.mpd` },
    somethingNew: { deep: true },
  })
  expect(video).toEqual({
    uid,
    state: 'ready',
    encodingPercent: 39,
    readyToStream: true,
    readyAt: new Date('2022-06-30T17:55:00Z'),
    failure: null,
    sizeBytes: 383_631,
    durationSeconds: 5.5,
    width: 1920,
    height: 1080,
    hlsURL: `${site}/a.m3u8`,
    dashURL: `${site}/a.mpd`,
    thumbnailURL: `${site}/${uid}/thumbnails/thumbnail.jpg`,
    previewURL: `${site}/${uid}/watch`,
    creator: 'user-1',
    meta: { name: 'x.mp4', nested: { list: [1, null, 'a'] } },
    maxDurationSeconds: 600,
    allowedOrigins: ['example.com'],
    requireSignedURLs: true,
    scheduledDeletion: new Date('2022-08-01T00:00:00Z'),
    createdAt: new Date('2022-06-30T17:53:12.512Z'),
    modifiedAt: new Date('2022-06-30T17:53:13.120Z'),
    uploadExpiresAt: new Date('2022-07-01T17:53:12.123Z'),
  })
})

test.each([
  ['a scheduled deletion that is null, for never', { scheduledDeletion: null }, null],
  ['no scheduled deletion, which is unknown', {}, undefined],
  ['a malformed scheduled deletion, which is unknown', { scheduledDeletion: 'soon' }, undefined],
])('reads %s', (_what, fields, expected) => {
  expect(readVideo({ uid, ...fields })?.scheduledDeletion).toBe(expected)
})

test.each([
  { allowedOrigins: 'example.com', requireSignedURLs: 'true' },
  { allowedOrigins: [1], requireSignedURLs: 1 },
  { allowedOrigins: null, requireSignedURLs: null },
])('reads no settings from %j', (fields) => {
  expect(readVideo({ uid, ...fields })).toEqual(emptyVideo)
})

describe('a missing or malformed field is null', () => {
  test.each([
    ['missing keys', {}],
    ['null', allFields(null)],
    ['empty text', allFields('')],
    ['-1', allFields(-1)],
    ['objects', allFields({})],
    ['lists', allFields([])],
    ['an empty status', { status: {}, input: {}, playback: {} }],
    ['unset caps', { maxDurationSeconds: 0, duration: -1, input: { width: -1, height: -1 } }],
    ['malformed numbers', { size: '1e3', duration: 'NaN', maxDurationSeconds: '-5' }],
    ['impossible durations', { duration: 1e308, maxDurationSeconds: 1e300 }],
    ['an unset time', { created: '0001-01-01T00:00:00Z' }],
    ['an unknown state', { status: { state: 'transmogrifying', pctComplete: '' } }],
    ['URLs that are not HTTP', { preview: 'javascript:alert(1)', thumbnail: 'x' }],
  ])('%s', (_name, fields) => {
    expect(readVideo({ ...fields, uid })).toEqual(emptyVideo)
  })
})

describe('single fields', () => {
  test.each([
    'pendingupload',
    'downloading',
    'queued',
    'inprogress',
    'ready',
    'error',
    'live-inprogress',
  ])('state %s', (state) => {
    expect(readVideo({ uid, status: { state } })?.state).toBe(state)
  })

  test.each([
    ['100.000000', 100],
    ['39', 39],
    [0, 0],
    ['250', 100],
    ['-1', null],
  ])('percent %j', (pctComplete, expected) => {
    expect(readVideo({ uid, status: { pctComplete } })?.encodingPercent).toBe(expected)
  })

  test.each([
    ['2024-02-27T07:20:50Z', '2024-02-27T07:20:50.000Z'],
    ['2024-02-27T07:20:50.1Z', '2024-02-27T07:20:50.100Z'],
    ['2024-02-27T07:20:50.999999999Z', '2024-02-27T07:20:50.999Z'],
    ['2024-02-27T07:20:50-07:00', '2024-02-27T14:20:50.000Z'],
    ['2024-13-27T07:20:50Z', undefined],
    ['2024-02-27', undefined],
    ['Tue, 27 Feb 2024', undefined],
    [1_709_018_450, undefined],
  ])('timestamp %j', (created, expected) => {
    expect(readVideo({ uid, created })?.createdAt?.toISOString()).toBe(expected)
  })
})

describe('a failure', () => {
  const message = 'not a video'
  test.each([
    [{ errorReasonCode: 'ERR_NON_VIDEO', errorReasonText: message }, 'ERR_NON_VIDEO', message],
    [{ errReasonCode: 'ERR_NON_VIDEO', errReasonText: message }, 'ERR_NON_VIDEO', message],
    [{ errorReasonCode: '', errReasonCode: 'ERR_NEW' }, 'ERR_NEW', 'Stream gave no reason.'],
    [{}, 'ERR_UNKNOWN', 'Stream gave no reason.'],
  ])('is read from %j', (reason, code, text) => {
    const video = readVideo({ uid, status: { state: 'error', ...reason } })
    expect(video?.failure).toEqual({ code, message: text })
  })

  test('is null unless the state is error', () => {
    const status = { state: 'ready', errorReasonCode: 'ERR_NON_VIDEO' }
    expect(readVideo({ uid, status })?.failure).toBeNull()
  })
})

test('the reader never throws on JSON, and always reads a valid uid', () => {
  fc.assert(
    fc.property(fc.jsonValue(), fc.dictionary(fc.string(), fc.jsonValue()), (json, more) => {
      readVideo(json)
      const keys = Object.keys(allFields(null))
      const fields = Object.fromEntries(keys.map((key) => [key, json]))
      expect(readVideo({ ...more, ...fields, uid })?.uid).toBe(uid)
    }),
  )
})

test('keeps a very deeply nested meta without recursion', () => {
  const deep = `${'{"a":'.repeat(100_000)}1${'}'.repeat(100_000)}`
  const json: unknown = JSON.parse(`{"uid":"${uid}","meta":${deep}}`)
  expect(readVideo(json)?.meta).toHaveProperty('a')
})

test.each([null, undefined, 1, 'x', [], {}, { uid: '' }, { uid: 7 }, { uid: 'a/b' }, { id: uid }])(
  'returns null without a valid uid: %j',
  (json) => expect(readVideo(json)).toBeNull(),
)

test.each([
  [uid, true],
  ['6b9e68b0-7b3e-4bfa-8d7b-6a8b1b0a2f11', true],
  ['', false],
  ['a'.repeat(65), false],
  ['a b', false],
  ['..', false],
  ['a%2Fb', false],
  ['Webhook', false],
])('isVideoUid(%j) is %j', (text, expected) => expect(isVideoUid(text)).toBe(expected))

test.each([
  [640, 640],
  ['640', 640],
  [640.5, null],
  [1e308, null],
  [2 ** 31, null],
  [-1, null],
])('reads a width of %j as %j, because GraphQL can serialize only an Int', (input, width) =>
  expect(readVideo({ uid, input: { width: input, height: 360 } })).toMatchObject({
    width,
    height: 360,
  }),
)

/** Every key that the reader reads, with the same value. */
function allFields(value: unknown) {
  const keys =
    'status readyToStream readyToStreamAt size duration input playback thumbnail preview creator meta maxDurationSeconds created modified uploadExpiry'
  return Object.fromEntries(keys.split(' ').map((key) => [key, value]))
}
