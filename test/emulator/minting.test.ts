/** Minting: what direct_upload and tus creation accept, reject and store. */
import { describe, expect, test } from 'vitest'

import { startTestEmulator } from '../kit/emulator.ts'
import { createStreamClient, uploadMetadata } from './kit/stream-client.ts'

const MINUTE = 60_000
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR
const dateAfter = (milliseconds: number) => new Date(Date.now() + milliseconds).toISOString()

describe('direct_upload', () => {
  test('responds with the envelope and stores every field', async () => {
    const emulator = await startTestEmulator()
    const stream = createStreamClient(emulator)
    const params = {
      maxDurationSeconds: 36_000,
      expiry: dateAfter(HOUR),
      creator: 'ada',
      meta: { name: 'A film', tags: ['one', 2, null] },
      allowedOrigins: ['example.com', '*.example.com', 'localhost:8787'],
      requireSignedURLs: true,
      scheduledDeletion: dateAfter(31 * DAY),
      thumbnailTimestampPct: 0.25,
    }
    const response = await stream.call('POST', '/direct_upload', params)
    expect(response.envelope).toEqual({
      result: {
        uid: expect.stringMatching(/^[0-9a-f]{32}$/),
        uploadURL: expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+\/[0-9a-f]{32}$/),
        creator: 'ada',
        scheduledDeletion: params.scheduledDeletion,
        watermark: null,
      },
      success: true,
      errors: [],
      messages: [],
    })
    const [video] = await stream.list()
    expect(video).toMatchObject({
      maxDurationSeconds: 36_000,
      uploadExpiry: params.expiry,
      creator: 'ada',
      meta: params.meta,
      allowedOrigins: params.allowedOrigins,
      requireSignedURLs: true,
      scheduledDeletion: params.scheduledDeletion,
      thumbnailTimestampPct: 0.25,
    })
  })

  test('expires after 30 minutes without an expiry', async () => {
    const stream = createStreamClient(await startTestEmulator())
    const { uid } = await stream.mintBasic({ maxDurationSeconds: 1 })
    const video = await stream.details(uid)
    expect(Date.parse(video.uploadExpiry) - Date.parse(video.created)).toBe(30 * MINUTE)
  })

  test('reads the creator from the header Upload-Creator', async () => {
    const stream = createStreamClient(await startTestEmulator())
    await stream.call(
      'POST',
      '/direct_upload',
      { maxDurationSeconds: 1 },
      { 'upload-creator': 'bo' },
    )
    expect((await stream.list('?creator=bo')).map((video) => video.creator)).toEqual(['bo'])
  })

  test.each([
    ['no body', undefined, /required field maxDurationSeconds is missing/],
    ['no duration', {}, /required field maxDurationSeconds is missing/],
    ['a duration of 0', { maxDurationSeconds: 0 }, /from 1 to 36000/],
    ['a duration of 36001', { maxDurationSeconds: 36_001 }, /from 1 to 36000/],
    ['a fractional duration', { maxDurationSeconds: 1.5 }, /integer/],
    ['a duration that is a string', { maxDurationSeconds: '60' }, /^maxDurationSeconds/],
    ['an expiry in a minute', { maxDurationSeconds: 1, expiry: dateAfter(MINUTE) }, /2 minutes/],
    ['an expiry in 7 hours', { maxDurationSeconds: 1, expiry: dateAfter(7 * HOUR) }, /6 hours/],
    ['an expiry that is past', { maxDurationSeconds: 1, expiry: dateAfter(-HOUR) }, /2 minutes/],
    ['an expiry that is not a date', { maxDurationSeconds: 1, expiry: 'tomorrow' }, /RFC 3339/],
    ['the 31st of February', { maxDurationSeconds: 1, expiry: '2030-02-31T00:00:00Z' }, /RFC 3339/],
    [
      'a thumbnail at 1.1',
      { maxDurationSeconds: 1, thumbnailTimestampPct: 1.1 },
      /between 0 and 1/,
    ],
    [
      'a deletion in 29 days',
      { maxDurationSeconds: 1, scheduledDeletion: dateAfter(29 * DAY) },
      /30 to/,
    ],
    ['a creator of 65', { maxDurationSeconds: 1, creator: 'x'.repeat(65) }, /at most 64/],
    [
      'an origin with a scheme',
      { maxDurationSeconds: 1, allowedOrigins: ['https://a.com'] },
      /scheme/,
    ],
    [
      'an origin with a path',
      { maxDurationSeconds: 1, allowedOrigins: ['a.com/b'] },
      /scheme or path/,
    ],
    ['meta that is a list', { maxDurationSeconds: 1, meta: [] }, /^meta/],
    ['a watermark', { maxDurationSeconds: 1, watermark: { uid: 'x' } }, /watermark/],
    ['a list', [], /JSON object/],
  ])('rejects %s with 400, code 10005 and the reason', async (_name, body, reason) => {
    const emulator = await startTestEmulator()
    const response = await createStreamClient(emulator).call('POST', '/direct_upload', body)
    expect(response).toMatchObject({ status: 400, code: 10_005 })
    expect(response.reason).toMatch(reason)
    expect(response.envelope).toMatchObject({
      result: null,
      success: false,
      errors: [{ code: 10_005, message: 'Bad Request' }],
    })
    expect((await emulator.state()).videos).toEqual([])
  })

  test('accepts the earliest and the latest allowed expiry', async () => {
    const stream = createStreamClient(await startTestEmulator())
    for (const expiry of [dateAfter(2 * MINUTE), dateAfter(6 * HOUR)]) {
      const response = await stream.call('POST', '/direct_upload', {
        maxDurationSeconds: 1,
        expiry,
      })
      expect(response.status).toBe(200)
    }
  })
})

describe('tus creation', () => {
  test('responds with 201, the one-time URL and the uid, without CORS headers', async () => {
    const emulator = await startTestEmulator()
    const response = await createStreamClient(emulator).mintTusRaw(1000)
    expect(response.status).toBe(201)
    const uid = response.headers.get('stream-media-id') ?? ''
    expect(uid).toMatch(/^[0-9a-f]{32}$/)
    const location = response.headers.get('location') ?? ''
    expect(location).toMatch(new RegExp(`^${emulator.url}/tus/[0-9a-f]{32}\\?tusv2=true$`))
    expect(location).not.toContain(uid)
    expect(response.headers.get('tus-resumable')).toBe('1.0.0')
    expect(response.headers.get('access-control-allow-origin')).toBeNull()
  })

  test('reads keys of Upload-Metadata in any case, and unknown keys as meta', async () => {
    const stream = createStreamClient(await startTestEmulator())
    const expiry = dateAfter(HOUR)
    const scheduledDeletion = dateAfter(40 * DAY)
    const { uid } = await stream.mintTus(
      1000,
      {
        MAXdurationSECONDS: '600',
        Expiry: expiry,
        requiresignedurls: null,
        allowedOrigins: 'a.com, b.com',
        thumbnailtimestamppct: '0.5',
        scheduledDeletion,
        name: 'Ein Film — ü',
        filetype: 'video/mp4',
        ownKey: '',
      },
      { 'upload-creator': 'ada' },
    )
    expect(await stream.details(uid)).toMatchObject({
      maxDurationSeconds: 600,
      uploadExpiry: expiry,
      requireSignedURLs: true,
      allowedOrigins: ['a.com', 'b.com'],
      thumbnailTimestampPct: 0.5,
      scheduledDeletion,
      creator: 'ada',
      meta: { name: 'Ein Film — ü', filetype: 'video/mp4', ownKey: '' },
      size: 0,
    })
  })

  test('reads the example of the documentation', async () => {
    const stream = createStreamClient(await startTestEmulator())
    const response = await stream.mintTusRaw(
      1000,
      {},
      {
        'upload-metadata': 'maxDurationSeconds NjAw,requiresignedurls',
      },
    )
    expect(await stream.details(response.headers.get('stream-media-id') ?? '')).toMatchObject({
      maxDurationSeconds: 600,
      requireSignedURLs: true,
    })
  })

  test('reserves four hours and expires after one day by default', async () => {
    const emulator = await startTestEmulator()
    const stream = createStreamClient(emulator)
    const { uid } = await stream.mintTus(1000, {})
    const video = await stream.details(uid)
    expect(Date.parse(video.uploadExpiry) - Date.parse(video.created)).toBe(DAY)
    expect((await emulator.state()).reservedSeconds).toBe(14_400)
  })

  test.each([
    ['no Upload-Length', { 'upload-length': '' }, 400, /Upload-Length/],
    ['an Upload-Length of 0', { 'upload-length': '0' }, 400, /at least 1/],
    ['a negative Upload-Length', { 'upload-length': '-1' }, 400, /Upload-Length/],
    ['an Upload-Length that is not a number', { 'upload-length': 'ten' }, 400, /Upload-Length/],
    ['more than 30 GB', { 'upload-length': '30000000001' }, 413, /30000000000/],
    ['a deferred length', { 'upload-defer-length': '1' }, 400, /not supported/],
    ['bad base64', { 'upload-metadata': 'name ???' }, 400, /not base64/],
    ['a repeated key', { 'upload-metadata': 'a YQ==,a YQ==' }, 400, /twice/],
    ['an empty key', { 'upload-metadata': 'a YQ==,,b YQ==' }, 400, /pairs/],
    ['two values', { 'upload-metadata': 'a YQ== YQ==' }, 400, /pairs/],
    [
      'a duration of 0',
      { 'upload-metadata': uploadMetadata({ maxDurationSeconds: '0' }) },
      400,
      /from 1 to 36000/,
    ],
    [
      'a duration that is a string',
      { 'upload-metadata': uploadMetadata({ maxDurationSeconds: 'long' }) },
      400,
      /from 1 to 36000/,
    ],
    [
      'an expiry that is not a date',
      { 'upload-metadata': uploadMetadata({ expiry: 'x' }) },
      400,
      /RFC 3339/,
    ],
    ['a long creator', { 'upload-creator': 'x'.repeat(65) }, 400, /at most 64/],
  ])('rejects %s', async (_name, headers, status, reason) => {
    const emulator = await startTestEmulator()
    const response = await createStreamClient(emulator).mintTusRaw(1000, {}, headers)
    expect(response.status).toBe(status)
    expect(await response.text()).toMatch(reason)
    expect((await emulator.state()).videos).toEqual([])
  })

  test.each([['0.2.2'], ['']])(
    'responds to Tus-Resumable "%s" with 412 and the supported version',
    async (version) => {
      const stream = createStreamClient(await startTestEmulator())
      const response = await stream.mintTusRaw(1000, {}, { 'tus-resumable': version })
      expect(response.status).toBe(412)
      expect(response.headers.get('tus-version')).toBe('1.0.0')
    },
  )

  test('accepts 30 GB', async () => {
    const stream = createStreamClient(await startTestEmulator())
    expect((await stream.mintTusRaw(30_000_000_000)).status).toBe(201)
  })

  test('without direct_user returns a Location that clients cannot use, as Stream does', async () => {
    const stream = createStreamClient(await startTestEmulator())
    const response = await stream.raw('POST', '', {
      headers: { 'tus-resumable': '1.0.0', 'upload-length': '10' },
    })
    expect(response.status).toBe(201)
    const location = response.headers.get('location') ?? ''
    expect(location).toContain('/client/v4/accounts/local/media/')
    const head = await fetch(location, { method: 'HEAD' })
    expect(head.status).toBe(400)
    expect(head.headers.get('access-control-allow-origin')).toBeNull()
  })
})
