/** The one-time tus URL: Stream's chunk rules, offsets, locks, broken connections, protocol and CORS. */
import { describe, expect, onTestFinished, test, vi } from 'vitest'

import { VideoFiles } from '../../src/emulator/state/video-files.ts'
import { startTestEmulator } from '../kit/emulator.ts'
import { paddedTestcard, testcard, zeros } from '../kit/media.ts'
import { openRequest, writeBytes, pollUntil } from './kit/raw-request.ts'
import { createStreamClient } from './kit/stream-client.ts'
import { head, offsetOf, patch, tusUpload } from './kit/tus-client.ts'

const STEP = 262_144
const SMALLEST = 5_242_880
const LARGEST = 209_715_200

const TUS_HEADERS = {
  'tus-resumable': '1.0.0',
  'upload-offset': '0',
  'content-type': 'application/offset+octet-stream',
}

async function startWithUrl(uploadLength: number) {
  const emulator = await startTestEmulator()
  const stream = createStreamClient(emulator)
  const minted = await stream.mintTus(uploadLength, { maxDurationSeconds: '60', name: 'a film' })
  return { emulator, stream, ...minted }
}

describe('chunk rules', () => {
  test.each([
    ['too small', SMALLEST - STEP, /at least 5242880/],
    ['not a multiple of 256 KiB', SMALLEST + 1, /multiple of 262144/],
    ['one byte short of a multiple', SMALLEST + STEP - 1, /multiple of 262144/],
    ['empty', 0, /at least 5242880/],
  ])('a chunk that is %s is rejected and none of it stored', async (_name, bytes, reason) => {
    const { uploadURL } = await startWithUrl(20_000_000)
    const response = await patch(uploadURL, 0, zeros(bytes))
    expect(response.status).toBe(400)
    expect(await response.text()).toMatch(reason)
    expect(await offsetOf(uploadURL)).toBe(0)
  })

  test('a chunk that is too large is rejected without reading it, also as the last one', async () => {
    const { uploadURL } = await startWithUrl(LARGEST + 1)
    const open = openRequest(uploadURL, 'PATCH', {
      ...TUS_HEADERS,
      'content-length': String(LARGEST + 1),
    })
    const response = await open.response
    expect(response).toMatchObject({
      status: 400,
      body: expect.stringMatching(/at most 209715200/),
    })
    open.request.destroy()
    expect(await offsetOf(uploadURL)).toBe(0)
  })

  test('a chunk beyond the Upload-Length is rejected', async () => {
    const { uploadURL } = await startWithUrl(6_000_000)
    expect((await patch(uploadURL, 0, zeros(6_000_001))).status).toBe(413)
    expect(await offsetOf(uploadURL)).toBe(0)
  })

  test.each([
    ['the smallest', [SMALLEST], SMALLEST * 2],
    ['a larger multiple', [SMALLEST + STEP], SMALLEST * 3],
    ['the last of any size', [SMALLEST, 1], SMALLEST + 1],
    ['a whole file that fits in one', [1234], 1234],
  ])('a chunk that is %s is accepted', async (_name, chunks, uploadLength) => {
    const { uploadURL } = await startWithUrl(uploadLength)
    let offset = 0
    for (const bytes of chunks) {
      const response = await patch(uploadURL, offset, zeros(bytes))
      offset += bytes
      expect(response.status).toBe(204)
      expect(response.headers.get('upload-offset')).toBe(String(offset))
      expect(response.headers.get('tus-resumable')).toBe('1.0.0')
    }
    expect(await offsetOf(uploadURL)).toBe(offset)
  })

  test.each([
    ['too small', 1000, 400],
    ['not a multiple', SMALLEST + 1, 400],
    ['valid', SMALLEST, 204],
    ['beyond the Upload-Length', 12_000_001, 413],
  ])('a chunk without Content-Length is checked at its end: %s', async (_name, bytes, status) => {
    const { uploadURL } = await startWithUrl(12_000_000)
    const open = openRequest(uploadURL, 'PATCH', {
      ...TUS_HEADERS,
      'transfer-encoding': 'chunked',
    })
    open.request.end(zeros(bytes))
    expect((await open.response).status).toBe(status)
    expect(await offsetOf(uploadURL)).toBe(status === 204 ? bytes : 0)
  })

  test('a chunk without Content-Length that becomes too large is rejected and none of it stored', async () => {
    const { uploadURL } = await startWithUrl(LARGEST * 2)
    const open = openRequest(uploadURL, 'PATCH', { ...TUS_HEADERS, 'transfer-encoding': 'chunked' })
    for (let sent = 0; sent < LARGEST; sent += SMALLEST)
      await writeBytes(open.request, zeros(SMALLEST))
    open.request.end(zeros(1))
    const response = await open.response
    expect(response).toMatchObject({
      status: 400,
      body: expect.stringMatching(/at most 209715200/),
    })
    expect(await offsetOf(uploadURL)).toBe(0)
  })
})

describe('a video that is deleted during a PATCH', () => {
  test('responds with 404 when the deletion precedes the removal of a rejected chunk', async () => {
    const errors: unknown[] = []
    const emulator = await startTestEmulator({ onError: (error) => errors.push(error) })
    const stream = createStreamClient(emulator)
    const { uid, uploadURL } = await stream.mintTus(12_000_000)
    const truncate = vi.spyOn(VideoFiles.prototype, 'truncate')
    onTestFinished(() => truncate.mockRestore())
    truncate.mockImplementationOnce(async function deleteFirst(this: VideoFiles, ...args) {
      await stream.call('DELETE', `/${uid}`)
      return this.truncate(...args)
    })
    const open = openRequest(uploadURL, 'PATCH', { ...TUS_HEADERS, 'transfer-encoding': 'chunked' })
    open.request.end(zeros(1000))
    expect((await open.response).status).toBe(404)
    expect(errors).toEqual([])
  })
})

describe('offsets', () => {
  test('responds with 409 to an offset that differs from the server’s', async () => {
    const { uploadURL } = await startWithUrl(SMALLEST * 2)
    expect((await patch(uploadURL, SMALLEST, zeros(SMALLEST))).status).toBe(409)
    expect((await patch(uploadURL, 0, zeros(SMALLEST))).status).toBe(204)
    expect((await patch(uploadURL, 0, zeros(SMALLEST))).status).toBe(409)
    expect(await offsetOf(uploadURL)).toBe(SMALLEST)
  })

  test('HEAD returns the offset during a PATCH without interrupting it', async () => {
    const { uploadURL } = await startWithUrl(SMALLEST)
    const open = openRequest(uploadURL, 'PATCH', {
      ...TUS_HEADERS,
      'content-length': String(SMALLEST),
    })
    await writeBytes(open.request, zeros(1_000_000))
    await pollUntil(async () => (await offsetOf(uploadURL)) === 1_000_000)
    await writeBytes(open.request, zeros(2_000_000))
    await pollUntil(async () => (await offsetOf(uploadURL)) === 3_000_000)
    open.request.end(zeros(SMALLEST - 3_000_000))
    expect(await open.response).toMatchObject({
      status: 204,
      headers: { 'upload-offset': String(SMALLEST) },
    })
  })

  test('HEAD returns length and metadata with Cache-Control: no-store', async () => {
    const { uploadURL } = await startWithUrl(1234)
    const response = await head(uploadURL)
    expect(response.status).toBe(200)
    expect(Object.fromEntries(response.headers)).toMatchObject({
      'upload-offset': '0',
      'upload-length': '1234',
      'upload-metadata': 'maxDurationSeconds NjA=,name YSBmaWxt',
      'cache-control': 'no-store',
      'tus-resumable': '1.0.0',
    })
  })

  test('accepts exactly one of four concurrent PATCHes, and the file is complete', async () => {
    const { emulator, uid, uploadURL } = await startWithUrl(testcard.bytes.byteLength)
    const responses = await Promise.all(
      [1, 2, 3, 4].map(() => patch(uploadURL, 0, new Uint8Array(testcard.bytes))),
    )
    const statuses = responses.map(({ status }) => status)
    expect(statuses.filter((status) => status === 204)).toHaveLength(1)
    expect(statuses.filter((status) => [409, 410, 423].includes(status))).toHaveLength(3)
    await emulator.advanceClock(10)
    const played = await fetch(`${emulator.url}/${uid}/video`)
    expect(Buffer.from(await played.arrayBuffer()).equals(testcard.bytes)).toBe(true)
  })
})

describe('a broken connection', () => {
  test('keeps the received bytes, and the client resumes at their offset', async () => {
    const file = paddedTestcard(SMALLEST * 3 + 77)
    const { emulator, stream, uid, uploadURL } = await startWithUrl(file.size)
    const open = openRequest(uploadURL, 'PATCH', {
      ...TUS_HEADERS,
      'content-length': String(SMALLEST),
    })
    const sent = 1_234_567
    await writeBytes(open.request, new Uint8Array(await file.slice(0, sent).arrayBuffer()))
    await pollUntil(async () => (await offsetOf(uploadURL)) === sent)
    open.request.destroy()
    const progress = await tusUpload(uploadURL, file, { chunkSize: SMALLEST })
    expect(progress[0]).toBe(sent + SMALLEST)
    await emulator.advanceClock(10)
    expect(await stream.details(uid)).toMatchObject({
      size: file.size,
      duration: testcard.durationSeconds,
      status: { state: 'ready' },
    })
  })

  test('keeps the received bytes of a chunk without Content-Length', async () => {
    const { uploadURL } = await startWithUrl(SMALLEST * 2)
    const open = openRequest(uploadURL, 'PATCH', {
      ...TUS_HEADERS,
      'transfer-encoding': 'chunked',
    })
    await writeBytes(open.request, zeros(300_000))
    await pollUntil(async () => (await offsetOf(uploadURL)) === 300_000)
    open.request.destroy()
    expect((await patch(uploadURL, 300_000, zeros(SMALLEST))).status).toBe(204)
  })

  test('allows the client to reconnect immediately', async () => {
    const { uploadURL } = await startWithUrl(SMALLEST)
    for (let attempt = 0; attempt < 5; attempt += 1) {
      const offset = await offsetOf(uploadURL)
      const open = openRequest(uploadURL, 'PATCH', {
        ...TUS_HEADERS,
        'upload-offset': String(offset),
        'content-length': String(SMALLEST - offset),
      })
      await writeBytes(open.request, zeros(200_000))
      await pollUntil(async () => (await offsetOf(uploadURL)) > offset)
      open.request.destroy()
    }
    const offset = await offsetOf(uploadURL)
    const last = await patch(uploadURL, offset, zeros(SMALLEST - offset))
    // The server may not have noticed the disconnect yet; it then responds with 409 or 423, and a client retries.
    expect([204, 409, 423]).toContain(last.status)
  })
})

describe('the URL', () => {
  test('responds to PATCH with 410 after the last byte, and to HEAD with the complete offset', async () => {
    const { uploadURL } = await startWithUrl(1000)
    await patch(uploadURL, 0, zeros(1000))
    expect((await patch(uploadURL, 1000, zeros(0))).status).toBe(410)
    expect((await patch(uploadURL, 0, zeros(1000))).status).toBe(410)
    expect(await offsetOf(uploadURL)).toBe(1000)
  })

  test('responds with 410 after its expiry', async () => {
    const { emulator, uploadURL } = await startWithUrl(1000)
    await emulator.advanceClock(86_400)
    expect((await head(uploadURL)).status).toBe(410)
    expect((await patch(uploadURL, 0, zeros(1000))).status).toBe(410)
    expect((await emulator.state()).reservedSeconds).toBe(0)
  })

  test('responds with 404 after its video is deleted, also during a PATCH', async () => {
    const { emulator, stream, uid, uploadURL } = await startWithUrl(SMALLEST)
    const open = openRequest(uploadURL, 'PATCH', {
      ...TUS_HEADERS,
      'content-length': String(SMALLEST),
    })
    await writeBytes(open.request, zeros(100_000))
    await pollUntil(async () => (await offsetOf(uploadURL)) === 100_000)
    await stream.call('DELETE', `/${uid}`)
    expect((await head(uploadURL)).status).toBe(404)
    open.request.end(zeros(SMALLEST - 100_000))
    expect((await open.response).status).toBe(404)
    expect((await patch(uploadURL, 0, zeros(1000))).status).toBe(404)
    expect((await emulator.state()).videos).toEqual([])
  })

  test('does not accept a basic upload, and a basic URL does not accept tus', async () => {
    const { emulator, stream, uid } = await startWithUrl(1000)
    expect((await stream.sendFile(`${emulator.url}/${uid}`, new Blob(['x']))).status).toBe(404)
    const basic = await stream.mintBasic({ maxDurationSeconds: 60 })
    expect((await head(`${emulator.url}/tus/${basic.uid}`)).status).toBe(404)
  })
})

describe('the protocol', () => {
  test.each([
    ['no Tus-Resumable', { 'tus-resumable': '' }, 412],
    ['another Tus-Resumable', { 'tus-resumable': '2.0.0' }, 412],
    ['another content type', { 'content-type': 'application/octet-stream' }, 415],
    ['no Upload-Offset', { 'upload-offset': '' }, 400],
    ['a negative Upload-Offset', { 'upload-offset': '-1' }, 400],
    ['an Upload-Offset that is not a number', { 'upload-offset': 'zero' }, 400],
  ])('rejects PATCH with %s', async (_name, headers, status) => {
    const { uploadURL } = await startWithUrl(1000)
    const response = await patch(uploadURL, 0, zeros(1000), headers)
    expect(response.status).toBe(status)
    expect(response.headers.get('tus-resumable')).toBe('1.0.0')
    expect(response.headers.get('tus-version')).toBe(status === 412 ? '1.0.0' : null)
    expect(await offsetOf(uploadURL)).toBe(0)
  })

  test('responds with 412 to HEAD without Tus-Resumable', async () => {
    const { uploadURL } = await startWithUrl(1000)
    const response = await fetch(uploadURL, { method: 'HEAD' })
    expect(response.status).toBe(412)
    expect(response.headers.get('tus-version')).toBe('1.0.0')
  })

  test.each([['GET'], ['POST'], ['DELETE'], ['PUT']])('responds with 405 to %s', async (method) => {
    const { uploadURL } = await startWithUrl(1000)
    const response = await fetch(uploadURL, { method, headers: { 'tus-resumable': '1.0.0' } })
    expect(response.status).toBe(405)
  })

  test('OPTIONS returns the tus capabilities and allows any origin', async () => {
    const { uploadURL } = await startWithUrl(1000)
    const response = await fetch(uploadURL, {
      method: 'OPTIONS',
      headers: { origin: 'https://example.com', 'access-control-request-method': 'PATCH' },
    })
    expect(response.status).toBe(204)
    expect(Object.fromEntries(response.headers)).toMatchObject({
      'tus-version': '1.0.0',
      'tus-max-size': '30000000000',
      'access-control-allow-origin': '*',
      'access-control-allow-methods': 'HEAD, PATCH, POST, OPTIONS',
      'access-control-allow-headers': expect.stringContaining('Upload-Offset'),
    })
  })

  test('responses expose the headers that a tus client in a browser reads', async () => {
    const { uploadURL } = await startWithUrl(1000)
    for (const response of [await head(uploadURL), await patch(uploadURL, 5, zeros(1))]) {
      expect(response.headers.get('access-control-allow-origin')).toBe('*')
      for (const name of ['Location', 'Upload-Offset', 'Upload-Length', 'Tus-Resumable']) {
        expect(response.headers.get('access-control-expose-headers')).toContain(name)
      }
      expect(response.headers.get('access-control-expose-headers')).toContain('stream-media-id')
    }
  })
})
