/** Minting: what direct_upload and tus creation take, refuse and keep. */
import { describe, expect, test } from 'vitest'

import { startTestEmulator } from '../kit/emulator.ts'
import { openStream, uploadMetadata } from './kit/stream-client.ts'

const MINUTE = 60_000
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR
const ahead = (milliseconds: number) => new Date(Date.now() + milliseconds).toISOString()

describe('direct_upload', () => {
  test('answers in the envelope and keeps every field', async () => {
    const emulator = await startTestEmulator()
    const stream = openStream(emulator)
    const order = {
      maxDurationSeconds: 36_000,
      expiry: ahead(HOUR),
      creator: 'ada',
      meta: { name: 'A film', tags: ['one', 2, null] },
      allowedOrigins: ['example.com', '*.example.com', 'localhost:8787'],
      requireSignedURLs: true,
      scheduledDeletion: ahead(31 * DAY),
      thumbnailTimestampPct: 0.25,
    }
    const answer = await stream.call('POST', '/direct_upload', order)
    expect(answer.envelope).toEqual({
      result: {
        uid: expect.stringMatching(/^[0-9a-f]{32}$/),
        uploadURL: expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+\/[0-9a-f]{32}$/),
        creator: 'ada',
        scheduledDeletion: order.scheduledDeletion,
      },
      success: true,
      errors: [],
      messages: [],
    })
    const [video] = await stream.list()
    expect(video).toMatchObject({
      maxDurationSeconds: 36_000,
      uploadExpiry: order.expiry,
      creator: 'ada',
      meta: order.meta,
      allowedOrigins: order.allowedOrigins,
      requireSignedURLs: true,
      scheduledDeletion: order.scheduledDeletion,
      thumbnailTimestampPct: 0.25,
    })
  })

  test('lapses 30 minutes later where no expiry is sent', async () => {
    const stream = openStream(await startTestEmulator())
    const { uid } = await stream.mintBasic({ maxDurationSeconds: 1 })
    const video = await stream.details(uid)
    expect(Date.parse(video.uploadExpiry) - Date.parse(video.created)).toBe(30 * MINUTE)
  })

  test('takes the creator from the header Upload-Creator', async () => {
    const stream = openStream(await startTestEmulator())
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
    ['half a second', { maxDurationSeconds: 1.5 }, /integer/],
    ['a duration in words', { maxDurationSeconds: '60' }, /^maxDurationSeconds/],
    ['an expiry in a minute', { maxDurationSeconds: 1, expiry: ahead(MINUTE) }, /2 minutes/],
    ['an expiry in 7 hours', { maxDurationSeconds: 1, expiry: ahead(7 * HOUR) }, /6 hours/],
    ['an expiry that is past', { maxDurationSeconds: 1, expiry: ahead(-HOUR) }, /2 minutes/],
    ['an expiry in words', { maxDurationSeconds: 1, expiry: 'tomorrow' }, /RFC 3339/],
    ['the 31st of February', { maxDurationSeconds: 1, expiry: '2030-02-31T00:00:00Z' }, /RFC 3339/],
    [
      'a thumbnail at 1.1',
      { maxDurationSeconds: 1, thumbnailTimestampPct: 1.1 },
      /between 0 and 1/,
    ],
    [
      'a deletion in 29 days',
      { maxDurationSeconds: 1, scheduledDeletion: ahead(29 * DAY) },
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
  ])('refuses %s with 400, 10005 and the reason', async (_name, body, reason) => {
    const emulator = await startTestEmulator()
    const answer = await openStream(emulator).call('POST', '/direct_upload', body)
    expect(answer).toMatchObject({ status: 400, code: 10_005 })
    expect(answer.reason).toMatch(reason)
    expect(answer.envelope).toMatchObject({
      result: null,
      success: false,
      errors: [{ code: 10_005, message: 'Bad Request' }],
    })
    expect((await emulator.state()).videos).toEqual([])
  })

  test('takes deadlines at both ends of what is allowed', async () => {
    const stream = openStream(await startTestEmulator())
    for (const expiry of [ahead(2 * MINUTE), ahead(6 * HOUR)]) {
      const answer = await stream.call('POST', '/direct_upload', { maxDurationSeconds: 1, expiry })
      expect(answer.status).toBe(200)
    }
  })
})

describe('tus creation', () => {
  test('answers 201 with the one-time URL and the uid, and no CORS', async () => {
    const emulator = await startTestEmulator()
    const response = await openStream(emulator).mintTusRaw(1000)
    expect(response.status).toBe(201)
    const uid = response.headers.get('stream-media-id') ?? ''
    expect(uid).toMatch(/^[0-9a-f]{32}$/)
    const location = response.headers.get('location') ?? ''
    expect(location).toMatch(new RegExp(`^${emulator.url}/tus/[0-9a-f]{32}\\?tusv2=true$`))
    expect(location).not.toContain(uid)
    expect(response.headers.get('tus-resumable')).toBe('1.0.0')
    expect(response.headers.get('access-control-allow-origin')).toBeNull()
  })

  test('reads every key of Upload-Metadata whatever its case, and the rest as meta', async () => {
    const stream = openStream(await startTestEmulator())
    const expiry = ahead(HOUR)
    const scheduledDeletion = ahead(40 * DAY)
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

  test('reads the documentation’s own sample', async () => {
    const stream = openStream(await startTestEmulator())
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

  test('reserves four hours and lapses a day later where nothing is said', async () => {
    const emulator = await startTestEmulator()
    const stream = openStream(emulator)
    const { uid } = await stream.mintTus(1000, {})
    const video = await stream.details(uid)
    expect(Date.parse(video.uploadExpiry) - Date.parse(video.created)).toBe(DAY)
    expect((await emulator.state()).reservedSeconds).toBe(14_400)
  })

  test.each([
    ['no Upload-Length', { 'upload-length': '' }, 400, /Upload-Length/],
    ['an Upload-Length of 0', { 'upload-length': '0' }, 400, /at least 1/],
    ['a negative Upload-Length', { 'upload-length': '-1' }, 400, /Upload-Length/],
    ['an Upload-Length in words', { 'upload-length': 'ten' }, 400, /Upload-Length/],
    ['more than 30 GB', { 'upload-length': '30000000001' }, 413, /30000000000/],
    ['a deferred length', { 'upload-defer-length': '1' }, 400, /not supported/],
    ['bad base64', { 'upload-metadata': 'name ???' }, 400, /not base64/],
    ['a key that comes twice', { 'upload-metadata': 'a YQ==,a YQ==' }, 400, /twice/],
    ['an empty key', { 'upload-metadata': 'a YQ==,,b YQ==' }, 400, /pairs/],
    ['two values', { 'upload-metadata': 'a YQ== YQ==' }, 400, /pairs/],
    [
      'a duration of 0',
      { 'upload-metadata': uploadMetadata({ maxDurationSeconds: '0' }) },
      400,
      /from 1 to 36000/,
    ],
    [
      'a duration in words',
      { 'upload-metadata': uploadMetadata({ maxDurationSeconds: 'long' }) },
      400,
      /from 1 to 36000/,
    ],
    ['an expiry in words', { 'upload-metadata': uploadMetadata({ expiry: 'x' }) }, 400, /RFC 3339/],
    ['a long creator', { 'upload-creator': 'x'.repeat(65) }, 400, /at most 64/],
  ])('refuses %s', async (_name, headers, status, reason) => {
    const emulator = await startTestEmulator()
    const response = await openStream(emulator).mintTusRaw(1000, {}, headers)
    expect(response.status).toBe(status)
    expect(await response.text()).toMatch(reason)
    expect((await emulator.state()).videos).toEqual([])
  })

  test.each([['0.2.2'], ['']])(
    'answers Tus-Resumable "%s" with 412 and its version',
    async (version) => {
      const stream = openStream(await startTestEmulator())
      const response = await stream.mintTusRaw(1000, {}, { 'tus-resumable': version })
      expect(response.status).toBe(412)
      expect(response.headers.get('tus-version')).toBe('1.0.0')
    },
  )

  test('takes 30 GB', async () => {
    const stream = openStream(await startTestEmulator())
    expect((await stream.mintTusRaw(30_000_000_000)).status).toBe(201)
  })

  test('without direct_user gives a Location that is of no use, as Stream does', async () => {
    const stream = openStream(await startTestEmulator())
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
