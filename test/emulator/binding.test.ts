/** The emulated `env.STREAM` binding behaves as Cloudflare documents it. */
import { createServer } from 'node:http'
import { describe, expect, test } from 'vitest'
import {
  BindingError,
  type Comparison,
  type StreamBinding,
  createStreamBinding,
} from '../../src/emulator/binding/stream-binding.ts'
import type { EmulatorOptions } from '../../src/emulator/emulator.ts'
import { startTestEmulator } from '../kit/emulator.ts'
import { listenInTest } from '../kit/listen.ts'
import { testcard, testcardFile } from '../kit/media.ts'
import { writePng } from './kit/png.ts'
import { createStreamClient } from './kit/stream-client.ts'

async function start(options: EmulatorOptions = {}) {
  const emulator = await startTestEmulator({ encodeMs: 60_000, ...options })
  return { emulator, stream: createStreamBinding(emulator) }
}

function sendFile(uploadURL: string): Promise<Response> {
  const body = new FormData()
  body.set('file', testcardFile())
  return fetch(uploadURL, { method: 'POST', body })
}

/** Serves an image until the test ends; returns its URL. */
async function serveImage(image: Uint8Array): Promise<string> {
  const server = createServer((_request, response) => response.end(image))
  return `${(await listenInTest(server)).origin}/logo.png`
}

const UNKNOWN = 'f'.repeat(32)

/** Creates three videos; returns their ids, oldest first, and the creation time of the second. */
async function createThreeVideos(): Promise<{
  stream: StreamBinding
  ids: string[]
  middle: string
}> {
  const { stream } = await start()
  const ids: string[] = []
  for (let count = 0; count < 3; count += 1)
    ids.push((await stream.createDirectUpload({ maxDurationSeconds: 1 })).id)
  const [newest, middle, oldest] = await stream.videos.list()
  expect([oldest?.id, middle?.id, newest?.id]).toEqual(ids)
  return { stream, ids, middle: middle?.created ?? '' }
}

test('creates an upload URL that accepts a real file, and returns the details of the video', async () => {
  const { emulator, stream } = await start()
  const minted = await stream.createDirectUpload({
    maxDurationSeconds: 60,
    creator: 'ada',
    meta: { name: 'A film' },
    allowedOrigins: ['example.com'],
    requireSignedURLs: true,
    thumbnailTimestampPct: 0.5,
  })
  expect(minted).toEqual({
    id: expect.stringMatching(/^[0-9a-f]{32}$/),
    uploadURL: expect.stringMatching(/^http:/),
    watermark: null,
    scheduledDeletion: null,
  })
  const handle = stream.video(minted.id)
  expect(handle.id).toBe(minted.id)
  expect(await handle.details()).toMatchObject({
    id: minted.id,
    status: { state: 'pendingupload' },
    duration: -1,
    creator: 'ada',
    meta: { name: 'A film' },
    allowedOrigins: ['example.com'],
    requireSignedURLs: true,
    thumbnailTimestampPct: 0.5,
    maxDurationSeconds: 60,
  })

  expect((await sendFile(minted.uploadURL)).status).toBe(200)
  await emulator.advanceClock(61)
  const video = await handle.details()
  expect(video).toMatchObject({
    readyToStream: true,
    status: { state: 'ready' },
    duration: testcard.durationSeconds,
    input: { width: 640, height: 360 },
    hlsPlaybackUrl: expect.stringMatching(/\/manifest\/video\.m3u8$/),
    dashPlaybackUrl: expect.stringMatching(/\/manifest\/video\.mpd$/),
    watermark: null,
    clippedFromId: null,
    liveInputId: null,
  })
  expect(video).not.toHaveProperty('uid')
  expect(video).not.toHaveProperty('playback')
  await handle.update({ requireSignedURLs: false })
  expect((await fetch(video.hlsPlaybackUrl)).status).toBe(200)
})

test('returns meta values as strings, also when REST stored other JSON', async () => {
  const { emulator, stream } = await start()
  const meta = { name: 'x', count: 3, list: ['a', null] }
  const { uid } = await createStreamClient(emulator).mintBasic({ maxDurationSeconds: 1, meta })
  expect((await stream.video(uid).details()).meta).toEqual({
    name: 'x',
    count: '3',
    list: '["a",null]',
  })
})

test('updates a video, and deletes it once', async () => {
  const { stream } = await start()
  const handle = stream.video((await stream.createDirectUpload({ maxDurationSeconds: 60 })).id)
  const changed = await handle.update({ maxDurationSeconds: 30, creator: 'bo', meta: { a: 'b' } })
  expect(changed).toMatchObject({ maxDurationSeconds: 30, creator: 'bo', meta: { a: 'b' } })
  expect(await handle.delete()).toBeUndefined()
  await expect(handle.delete()).rejects.toMatchObject({ name: 'NotFoundError' })
})

describe('lists', () => {
  test.each<['before' | 'after', Comparison | undefined, (0 | 1 | 2)[]]>([
    ['before', undefined, [0]],
    ['before', 'lt', [0]],
    ['before', 'lte', [1, 0]],
    ['before', 'eq', [1]],
    ['before', 'gt', [2]],
    ['before', 'gte', [2, 1]],
    ['after', undefined, [2, 1]],
    ['after', 'gte', [2, 1]],
    ['after', 'gt', [2]],
    ['after', 'eq', [1]],
    ['after', 'lt', [0]],
    ['after', 'lte', [1, 0]],
  ])('%s %s', async (field, comparison, expected) => {
    const { stream, ids, middle } = await createThreeVideos()
    const comparisons = comparison === undefined ? {} : { [`${field}Comp`]: comparison }
    const listed = await stream.videos.list({ [field]: middle, ...comparisons })
    expect(listed.map(({ id }) => id)).toEqual(expected.map((index) => ids[index]))
  })

  test('compares timestamps that differ by less than a microsecond', async () => {
    const { stream, ids, middle } = await createThreeVideos()
    const listed = async (timestamp: string, beforeComp: Comparison) =>
      (await stream.videos.list({ before: timestamp, beforeComp })).map(({ id }) => id)
    const later = middle.replace('Z', '001Z')
    expect(await listed(later, 'lt')).toEqual([ids[1], ids[0]])
    expect(await listed(later, 'eq')).toEqual([])
    expect(await listed(later, 'gte')).toEqual([ids[2]])
    const both = { before: middle, beforeComp: 'lte', after: middle, limit: 1 } as const
    expect((await stream.videos.list(both)).map(({ id }) => id)).toEqual([ids[1]])
    expect(await stream.videos.list({ before: middle, after: middle })).toEqual([])
  })

  test('at most `limit` videos, newest first', async () => {
    const { stream, ids } = await createThreeVideos()
    expect((await stream.videos.list({ limit: 2 })).map(({ id }) => id)).toEqual([ids[2], ids[1]])
  })
})

test('signs a token that plays a private video', async () => {
  const { emulator, stream } = await start({ encodeMs: 0 })
  const params = { maxDurationSeconds: 60, requireSignedURLs: true }
  const { id, uploadURL } = await stream.createDirectUpload(params)
  await sendFile(uploadURL)
  const token = await stream.video(id).generateToken()
  expect((await fetch(`${emulator.url}/${token}/manifest/video.m3u8`)).status).toBe(200)
  expect((await fetch(`${emulator.url}/${id}/manifest/video.m3u8`)).status).toBe(401)
})

const png = () => new Blob([writePng(720, 240)]).stream()

describe('watermark profiles', () => {
  test('are created from a stream, with all parameters, and used by an upload', async () => {
    const { stream } = await start()
    const params = { name: 'x', opacity: 0.5, padding: 0, scale: 1, position: 'center' } as const
    const watermark = await stream.watermarks.generate(png(), params)
    expect(watermark).toEqual({
      ...params,
      id: expect.stringMatching(/^[0-9a-f]{32}$/),
      created: expect.any(String),
      size: 100,
      width: 720,
      height: 240,
      downloadedFrom: null,
    })
    const minted = await stream.createDirectUpload({ maxDurationSeconds: 1, watermark })
    expect(minted.watermark).toEqual(watermark)
    expect((await stream.video(minted.id).details()).watermark).toEqual(watermark)
  })

  test('are created from a URL, with the defaults', async () => {
    const { stream } = await start()
    const url = await serveImage(writePng(8, 8))
    expect(await stream.watermarks.generate(url)).toMatchObject({
      downloadedFrom: url,
      width: 8,
      name: '',
      opacity: 1,
      position: 'upperRight',
    })
  })

  test('are listed, newest first, found and deleted once', async () => {
    const { watermarks } = (await start()).stream
    const [first, second] = [await watermarks.generate(png()), await watermarks.generate(png())]
    expect(await watermarks.list()).toEqual([second, first])
    expect(await watermarks.get(first.id)).toEqual(first)
    expect(await watermarks.delete(first.id)).toBeUndefined()
    expect(await watermarks.list()).toEqual([second])
    const notFound = { name: 'NotFoundError', code: 10_003, statusCode: 404 }
    await expect(watermarks.get(first.id)).rejects.toMatchObject(notFound)
    await expect(watermarks.delete(first.id)).rejects.toMatchObject(notFound)
  })

  test('reject an image that is too large', async () => {
    const { watermarks } = (await start()).stream
    const image = new Blob([new Uint8Array(2_097_153)]).stream()
    await expect(watermarks.generate(image)).rejects.toMatchObject({
      name: 'MaxFileSizeError',
      statusCode: 413,
    })
  })
})

describe('errors', () => {
  test.each<[string, object, (stream: StreamBinding) => Promise<unknown>]>([
    [
      'invalid parameters',
      { name: 'BadRequestError', code: 10_005, statusCode: 400, message: /^Bad Request: .*36000/ },
      (stream) => stream.createDirectUpload({ maxDurationSeconds: 0 }),
    ],
    [
      'an unknown watermark profile',
      { name: 'BadRequestError', statusCode: 400, message: /watermark/ },
      (stream) => stream.createDirectUpload({ maxDurationSeconds: 1, watermark: { id: 'x' } }),
    ],
    [
      'an image that is not a PNG',
      { name: 'BadRequestError', statusCode: 400, message: /PNG/ },
      (stream) => stream.watermarks.generate(new Blob(['x']).stream()),
    ],
    [
      'an unknown video',
      { name: 'NotFoundError', code: 10_003, statusCode: 404 },
      (stream) => stream.video(UNKNOWN).details(),
    ],
    [
      'an id with a path',
      { name: 'NotFoundError', statusCode: 404 },
      (stream) => stream.video('../stream/webhook').details(),
    ],
    [
      'an update of an unknown video',
      { name: 'NotFoundError' },
      (stream) => stream.video(UNKNOWN).update({ creator: 'x' }),
    ],
    [
      'a limit of 0',
      { name: 'BadRequestError', statusCode: 400 },
      (stream) => stream.videos.list({ limit: 0 }),
    ],
    [
      'an invalid timestamp',
      { name: 'BadRequestError', statusCode: 400, message: /before must be an RFC 3339 time/ },
      (stream) => stream.videos.list({ before: 'yesterday' }),
    ],
    [
      'upload by URL, which the emulator does not support',
      { name: 'BadRequestError', message: /^upload\(\) is not available in headgate's emulator/ },
      (stream) => stream.upload(),
    ],
    [
      'a token for an unknown video',
      { name: 'NotFoundError', code: 10_003, statusCode: 404 },
      (stream) => stream.video(UNKNOWN).generateToken(),
    ],
    [
      'captions, which the emulator does not support',
      { name: 'BadRequestError', message: /^captions\.list\(\) is not/ },
      (stream) => stream.video(UNKNOWN).captions.list(),
    ],
  ])('%s', async (_name, { message = /./, ...expected }: { message?: RegExp }, act) => {
    const { stream } = await start()
    const result = act(stream)
    await expect(result).rejects.toBeInstanceOf(BindingError)
    await expect(result).rejects.toMatchObject(expected)
    await expect(result).rejects.toThrow(message)
  })

  test.each([
    [429, 'RateLimitedError'],
    [403, 'ForbiddenError'],
    [413, 'QuotaReachedError'],
    [500, 'InternalError'],
    [503, 'InternalError'],
  ])('a planned fault with status %i', async (statusCode, name) => {
    const { emulator, stream } = await start()
    await emulator.fault({ on: 'direct_upload', status: statusCode })
    const minting = stream.createDirectUpload({ maxDurationSeconds: 1 })
    await expect(minting).rejects.toMatchObject({ name, statusCode })
  })

  test('exhausted storage', async () => {
    const { stream } = await start({ storageMinutes: 1 })
    await expect(stream.createDirectUpload({ maxDurationSeconds: 61 })).rejects.toMatchObject({
      name: 'QuotaReachedError',
      code: 10_011,
      statusCode: 413,
    })
  })

  test('a wrong token', async () => {
    const { emulator } = await start()
    const stream = createStreamBinding({ ...emulator, token: 'another' })
    await expect(stream.videos.list()).rejects.toMatchObject({ name: 'ForbiddenError' })
  })

  test('an unreachable emulator is named with its URL', async () => {
    const { emulator, stream } = await start()
    await emulator.close()
    await expect(stream.videos.list()).rejects.toMatchObject({
      name: 'InternalError',
      message: `The emulator at ${emulator.url} does not respond. Start it with \`npx headgate emulator\`.`,
    })
  })
})
