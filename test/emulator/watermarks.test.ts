/** Watermark profiles, and uploads that use them. */
import { createServer, type RequestListener } from 'node:http'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import Database from 'better-sqlite3'
import { describe, expect, onTestFinished, test } from 'vitest'
import { z } from 'zod'

import { startTestEmulator } from '../kit/emulator.ts'
import { listenInTest } from '../kit/listen.ts'
import { openRequest } from './kit/raw-request.ts'
import { writePng } from './kit/png.ts'
import { createStreamClient, type StreamClient } from './kit/stream-client.ts'

const profileSchema = z.strictObject({
  uid: z.string().regex(/^[0-9a-f]{32}$/),
  size: z.number(),
  height: z.number(),
  width: z.number(),
  created: z.string(),
  downloadedFrom: z.string().nullable(),
  name: z.string(),
  opacity: z.number(),
  padding: z.number(),
  scale: z.number(),
  position: z.string(),
})

const PNG = new Blob([writePng(720, 240)])

async function start(options: Parameters<typeof startTestEmulator>[0] = {}) {
  const emulator = await startTestEmulator({ encodeMs: 0, ...options })
  return { emulator, stream: createStreamClient(emulator) }
}

/** Sends a form; a Blob becomes a file. */
async function sendForm(stream: StreamClient, fields: Readonly<Record<string, string | Blob>>) {
  const form = new FormData()
  for (const [key, value] of Object.entries(fields)) form.append(key, value)
  const response = await stream.raw('POST', '/watermarks', { body: form })
  const { messages, result } = z
    .looseObject({ result: z.unknown(), messages: z.array(z.looseObject({ message: z.string() })) })
    .parse(await response.json())
  return { status: response.status, result, reason: messages[0]?.message ?? null }
}

async function createProfile(stream: StreamClient, name = '') {
  return profileSchema.parse((await sendForm(stream, { file: PNG, name })).result)
}

/** Starts a server of images; returns its URL. */
async function serveImages(listener: RequestListener): Promise<string> {
  return `${(await listenInTest(createServer(listener))).origin}/logo.png`
}

describe('profiles', () => {
  test('of an uploaded image have its size and the defaults', async () => {
    const { stream } = await start()
    const profile = await createProfile(stream)
    expect(profile).toEqual({
      uid: profile.uid,
      created: profile.created,
      size: 100,
      width: 720,
      height: 240,
      downloadedFrom: null,
      name: '',
      opacity: 1,
      padding: 0.05,
      scale: 0.15,
      position: 'upperRight',
    })
  })

  test('have the fields of the form', async () => {
    const { stream } = await start()
    const fields = { name: 'x', opacity: '.5', padding: '0', scale: '1.0', position: 'center' }
    expect((await sendForm(stream, { file: PNG, ...fields })).result).toMatchObject({
      name: 'x',
      opacity: 0.5,
      padding: 0,
      scale: 1,
      position: 'center',
    })
  })

  test('ignore fields that the emulator sets', async () => {
    const { stream } = await start()
    const { result } = await sendForm(stream, {
      file: PNG,
      uid: 'x',
      size: '1',
      downloadedFrom: 'x',
    })
    expect(profileSchema.parse(result)).toMatchObject({ size: 100, downloadedFrom: null })
  })

  test('are listed, newest first, found and deleted once', async () => {
    const { stream } = await start()
    const [first, second] = [await createProfile(stream), await createProfile(stream, 'second')]
    for (const path of ['/watermarks', '/watermarks/']) {
      expect((await stream.call('GET', path)).result).toEqual([second, first])
    }
    expect((await stream.call('GET', `/watermarks/${first.uid}`)).result).toEqual(first)
    expect(await stream.call('DELETE', `/watermarks/${first.uid}`)).toMatchObject({
      status: 200,
      result: '',
    })
    for (const method of ['GET', 'DELETE']) {
      expect(await stream.call(method, `/watermarks/${first.uid}`)).toMatchObject({
        status: 404,
        code: 10_003,
      })
    }
    expect((await stream.call('GET', '/watermarks')).result).toEqual([second])
  })

  test('survive a restart, and a reset removes them', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'headgate-emulator-test-'))
    onTestFinished(() => rm(directory, { recursive: true, force: true }))
    const first = await start({ directory })
    const profile = await createProfile(first.stream)
    await first.emulator.close()
    const { emulator, stream } = await start({ directory })
    expect((await stream.call('GET', '/watermarks')).result).toEqual([profile])
    await emulator.reset()
    expect((await stream.call('GET', '/watermarks')).result).toEqual([])
  })

  test('can fail by a planned fault', async () => {
    const { emulator, stream } = await start()
    await emulator.fault({ on: 'watermarks', status: 503 })
    expect((await stream.call('GET', '/watermarks')).status).toBe(503)
  })

  test.each<[string, Readonly<Record<string, string | Blob>>, number, RegExp]>([
    ['without a file', { name: 'x' }, 400, /needs the image/],
    ['with text as the file', { file: 'x' }, 400, /needs the image/],
    ['with an empty file', { file: new Blob([]) }, 400, /not a PNG/],
    ['with another image', { file: new Blob(['GIF89a'.repeat(20)]) }, 400, /not a PNG/],
    ['with a PNG without pixels', { file: new Blob([writePng(0, 1)]) }, 400, /not a PNG/],
    ['with a PNG that ends early', { file: new Blob([writePng(1, 1, 32)]) }, 400, /not a PNG/],
    ['above 2 MiB', { file: new Blob([writePng(1, 1, 2_097_153)]) }, 413, /larger than 2097152/],
    ['far above 2 MiB', { file: new Blob([writePng(1, 1, 9_000_000)]) }, 413, /larger than/],
    ['with an opacity of 2', { file: PNG, opacity: '2' }, 400, /^opacity: /],
    ['with a negative padding', { file: PNG, padding: '-1' }, 400, /^padding: /],
    ['with a scale that is no number', { file: PNG, scale: '0x1' }, 400, /^scale: /],
    ['with an empty scale', { file: PNG, scale: '' }, 400, /^scale: /],
    ['with an unknown position', { file: PNG, position: 'top' }, 400, /^position: /],
    ['with a long name', { file: PNG, name: 'x'.repeat(1025) }, 400, /^name: /],
  ])('are rejected %s', async (_name, fields, status, reason) => {
    const { stream } = await start()
    const response = await sendForm(stream, fields)
    expect(response.status).toBe(status)
    expect(response.reason).toMatch(reason)
    expect((await stream.call('GET', '/watermarks')).result).toEqual([])
  })

  test('accept an image of exactly 2 MiB', async () => {
    const { stream } = await start()
    const response = await sendForm(stream, { file: new Blob([writePng(1, 1, 2_097_152)]) })
    expect(response.status).toBe(200)
  })

  test.each([
    ['no boundary', 'multipart/form-data', 'x'],
    ['no form', 'multipart/form-data; boundary=b', 'x'],
    ['an empty body', 'multipart/form-data; boundary=b', ''],
    ['an unfinished form', 'multipart/form-data; boundary=b', '--b\r\ncontent-disp'],
    [
      'a part without a name',
      'multipart/form-data; boundary=b',
      '--b\r\ncontent-disposition: form-data\r\n\r\nx\r\n--b--\r\n',
    ],
    ['many delimiters', 'multipart/form-data; boundary=b', '--b\r\n'.repeat(300_000)],
    [
      'many files',
      'multipart/form-data; boundary=b',
      `${'--b\r\ncontent-disposition: form-data; name="file"; filename="a"\r\n\r\n\r\n'.repeat(30_000)}--b--\r\n`,
    ],
    [
      'long headers',
      'multipart/form-data; boundary=b',
      `--b\r\ncontent-disposition: form-data; name="file"; filename="a"\r\n${'a: b\r\n'.repeat(300_000)}\r\n\r\n--b--\r\n`,
    ],
  ])('are rejected for %s at once, without an internal error', async (_name, type, body) => {
    const { stream } = await start()
    const headers = { 'content-type': type }
    const started = performance.now()
    const response = await stream.raw('POST', '/watermarks', { body, headers })
    expect(response.status).toBe(400)
    expect(performance.now() - started).toBeLessThan(1000)
  })

  test('are rejected for a body that ends early or never', async () => {
    const { emulator, stream } = await start()
    const url = `${emulator.apiBaseUrl}/accounts/local/stream/watermarks`
    const headers = { authorization: 'Bearer local-token', 'content-type': 'multipart/form-data' }
    const endless = openRequest(url, 'POST', headers)
    for (let count = 0; count < 40; count += 1) endless.request.write(Buffer.alloc(65_536))
    expect((await endless.response).status).toBe(413)
    endless.request.destroy()
    const broken = openRequest(url, 'POST', { ...headers, 'content-length': '1000' })
    broken.request.write('x')
    broken.request.destroy()
    expect((await stream.call('GET', '/watermarks')).result).toEqual([])
  })
})

describe('profiles of an image by its URL', () => {
  test('have the URL', async () => {
    const { stream } = await start()
    const url = await serveImages((_request, response) => response.end(writePng(10, 20)))
    for (const address of [url, url.replace('127.0.0.1', 'localhost')]) {
      const { result } = await stream.call('POST', '/watermarks', { url: address, opacity: 0.5 })
      expect(profileSchema.parse(result)).toMatchObject({
        downloadedFrom: address,
        width: 10,
        height: 20,
        opacity: 0.5,
      })
    }
  })

  test.each([
    'https://example.com/logo.png',
    'http://10.0.0.1/',
    'http://169.254.169.254/latest',
    'http://127.0.0.1.example.com/',
    'http://localhost.example.com/',
    'http://local.localhost/',
    'http://127.0.0.1@example.com/',
    'http://[::ffff:10.0.0.1]/',
    'http://0.0.0.0/',
  ])('are rejected for the host of %s', async (url) => {
    const { stream } = await start()
    const response = await stream.call('POST', '/watermarks', { url })
    expect(response).toMatchObject({ status: 400, code: 10_005 })
    expect(response.reason).toMatch(/from this machine only/)
  })

  test.each([
    ['no URL', {}, /url is missing/],
    ['a URL that is a number', { url: 5 }, /^url/],
    ['text', { url: 'logo.png' }, /http/],
    ['a file', { url: 'file:///etc/passwd' }, /http/],
    ['a closed port', { url: 'http://127.0.0.1:1/' }, /could not be fetched/],
    ['a port that fetch blocks', { url: 'http://127.0.0.1:22/' }, /could not be fetched/],
  ])('are rejected for %s', async (_name, body, reason) => {
    const { stream } = await start()
    const response = await stream.call('POST', '/watermarks', body)
    expect(response).toMatchObject({ status: 400, code: 10_005 })
    expect(response.reason).toMatch(reason)
  })

  test.each<[string, RequestListener, number, RegExp]>([
    [
      'a redirect',
      (_request, response) => response.writeHead(302, { location: 'http://example.com/' }).end(),
      400,
      /could not be fetched/,
    ],
    ['an error', (_request, response) => response.writeHead(404).end(), 400, /with 404/],
    ['no image', (_request, response) => response.end('hello'), 400, /not a PNG/],
    ['a broken response', (_request, response) => response.destroy(), 400, /could not be fetched/],
    [
      'an endless image',
      (_request, response) => {
        const timer = setInterval(() => response.write(Buffer.alloc(1_000_000)), 1)
        response.on('close', () => clearInterval(timer))
      },
      413,
      /larger than/,
    ],
  ])('are rejected for %s', async (_name, listener, status, reason) => {
    const { stream } = await start()
    const response = await stream.call('POST', '/watermarks', { url: await serveImages(listener) })
    expect(response.status).toBe(status)
    expect(response.reason).toMatch(reason)
  })
})

describe('an upload with a profile', () => {
  test('shows it in its response and its details, also after the profile is deleted', async () => {
    const { stream } = await start()
    const profile = await createProfile(stream)
    const params = { maxDurationSeconds: 60, watermark: { uid: profile.uid } }
    const { result } = await stream.call('POST', '/direct_upload', params)
    expect(result).toMatchObject({ watermark: profile })
    const { uid } = z.looseObject({ uid: z.string() }).parse(result)
    const metadata = { maxDurationSeconds: '60', watermark: profile.uid, name: 'a' }
    const tus = await stream.mintTus(1000, metadata)
    await stream.call('DELETE', `/watermarks/${profile.uid}`)
    for (const id of [uid, tus.uid]) {
      expect(await stream.details(id)).toMatchObject({ watermark: profile })
    }
    expect((await stream.details(tus.uid)).meta).toEqual({ name: 'a' })
    expect((await stream.list()).map((video) => video['watermark'])).toEqual([profile, profile])
  })

  test('is null without one', async () => {
    const { stream } = await start()
    const { result } = await stream.call('POST', '/direct_upload', { maxDurationSeconds: 60 })
    expect(result).toMatchObject({ watermark: null })
    const { uid } = await stream.mintBasic({ maxDurationSeconds: 60, watermark: null })
    expect(await stream.details(uid)).toMatchObject({ watermark: null })
  })

  test.each(['0'.repeat(32), '', 'x'.repeat(10_000)])(
    'is rejected for an unknown profile, on both protocols',
    async (uid) => {
      const { emulator, stream } = await start()
      const params = { maxDurationSeconds: 60, watermark: { uid } }
      expect(await stream.call('POST', '/direct_upload', params)).toMatchObject({
        status: 400,
        code: 10_005,
        reason: 'the watermark profile was not found',
      })
      const tus = await stream.mintTusRaw(1000, { watermark: uid })
      expect(tus.status).toBe(400)
      expect((await emulator.state()).videos).toEqual([])
    },
  )

  test('is possible in the directory of a version without watermarks', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'headgate-emulator-test-'))
    onTestFinished(() => rm(directory, { recursive: true, force: true }))
    const before = await start({ directory })
    const { uid } = await before.stream.mintBasic({ maxDurationSeconds: 60 })
    await before.emulator.close()
    const database = new Database(join(directory, 'emulator.db'))
    database.exec(
      'ALTER TABLE videos DROP COLUMN watermark; DROP TABLE watermarks; DROP TABLE signing_keys',
    )
    database.close()
    const { stream } = await start({ directory })
    expect(await stream.details(uid)).toMatchObject({ watermark: null })
    const profile = await createProfile(stream)
    const params = { maxDurationSeconds: 60, watermark: { uid: profile.uid } }
    const watermarked = await stream.mintBasic(params)
    expect(await stream.details(watermarked.uid)).toMatchObject({ watermark: profile })
  })
})
