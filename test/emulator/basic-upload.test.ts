/** The one-time URL of a direct_upload: one multipart POST, and its error cases. */
import { describe, expect, test } from 'vitest'

import { startTestEmulator } from '../kit/emulator.ts'
import { paddedTestcard, testcard, testcardFile } from '../kit/media.ts'
import { openRequest, writeBytes, pollUntil } from './kit/raw-request.ts'
import { createStreamClient } from './kit/stream-client.ts'

async function startWithUrl() {
  const emulator = await startTestEmulator()
  const stream = createStreamClient(emulator)
  const minted = await stream.mintBasic({ maxDurationSeconds: 60 })
  return { emulator, stream, ...minted }
}

/** Returns the bytes of a form with the test card, for tests that send a part of it. */
function formBytes(): { readonly bytes: Buffer; readonly contentType: string } {
  const boundary = 'a-boundary'
  const bytes = Buffer.concat([
    Buffer.from(
      `--${boundary}\r\nContent-Disposition: form-data; name="file"; filename="a.mp4"\r\nContent-Type: video/mp4\r\n\r\n`,
    ),
    testcard.bytes,
    Buffer.from(`\r\n--${boundary}--\r\n`),
  ])
  return { bytes, contentType: `multipart/form-data; boundary=${boundary}` }
}

describe('the URL', () => {
  test('accepts one upload, then responds with 409', async () => {
    const { stream, uploadURL } = await startWithUrl()
    expect((await stream.sendFile(uploadURL, testcardFile())).status).toBe(200)
    const again = await stream.sendFile(uploadURL, testcardFile())
    expect(again.status).toBe(409)
    expect(await again.text()).toContain('used')
  })

  test('responds with 410 after its expiry', async () => {
    const { emulator, stream, uid, uploadURL } = await startWithUrl()
    await emulator.advanceClock(30 * 60)
    expect((await stream.sendFile(uploadURL, testcardFile())).status).toBe(410)
    expect(await stream.details(uid)).toMatchObject({ status: { state: 'pendingupload' } })
    expect(await emulator.state()).toMatchObject({
      reservedSeconds: 0,
      videos: [{ expired: true, reservedSeconds: 0 }],
    })
  })

  test('responds with 404 after its video is deleted', async () => {
    const { stream, uid, uploadURL } = await startWithUrl()
    await stream.call('DELETE', `/${uid}`)
    expect((await stream.sendFile(uploadURL, testcardFile())).status).toBe(404)
  })

  test('responds with 404 if it was never created', async () => {
    const { emulator, stream } = await startWithUrl()
    const unknown = `${emulator.url}/${'0'.repeat(32)}`
    expect((await stream.sendFile(unknown, testcardFile())).status).toBe(404)
  })

  test('accepts exactly one of three concurrent uploads', async () => {
    const { emulator, stream, uploadURL } = await startWithUrl()
    const responses = await Promise.all([
      stream.sendFile(uploadURL, testcardFile()),
      stream.sendFile(uploadURL, testcardFile()),
      stream.sendFile(uploadURL, testcardFile()),
    ])
    expect(responses.map((response) => response.status).toSorted((a, b) => a - b)).toEqual([
      200, 409, 409,
    ])
    expect((await emulator.state()).videos).toMatchObject([
      { receivedBytes: testcard.bytes.byteLength },
    ])
  })

  test('responds with 405 to methods other than POST', async () => {
    const { uploadURL } = await startWithUrl()
    for (const method of ['GET', 'PUT', 'PATCH', 'DELETE']) {
      const response = await fetch(uploadURL, { method })
      expect(response.status).toBe(405)
      expect(response.headers.get('allow')).toBe('POST, OPTIONS')
    }
  })
})

describe('a rejected upload leaves the URL usable and stores no bytes', () => {
  test('a form without the field file', async () => {
    const { emulator, stream, uploadURL } = await startWithUrl()
    const response = await stream.sendFile(uploadURL, testcardFile(), 'video')
    expect(response.status).toBe(400)
    expect(await response.text()).toContain('"file"')
    expect((await emulator.state()).videos).toMatchObject([
      { state: 'pendingupload', receivedBytes: 0 },
    ])
    expect((await stream.sendFile(uploadURL, testcardFile())).status).toBe(200)
  })

  test.each([
    ['a body that is not a form', 'video/mp4', 'abc'],
    ['a form without a boundary', 'multipart/form-data', 'abc'],
    ['a truncated form', 'multipart/form-data; boundary=x', '--x\r\nContent-Disposition: fo'],
    ['an empty form', 'multipart/form-data; boundary=x', ''],
  ])('%s', async (_name, contentType, body) => {
    const { stream, uploadURL } = await startWithUrl()
    const response = await fetch(uploadURL, {
      method: 'POST',
      headers: { 'content-type': contentType },
      body,
    })
    expect(response.status).toBe(400)
    expect((await stream.sendFile(uploadURL, testcardFile())).status).toBe(200)
  })

  test('a file of more than 200 MB, with or without a Content-Length', async () => {
    const { emulator, stream, uploadURL } = await startWithUrl()
    const announced = openRequest(uploadURL, 'POST', {
      'content-type': 'multipart/form-data; boundary=x',
      'content-length': '500000000',
    })
    expect((await announced.response).status).toBe(413)
    announced.request.destroy()

    // The Content-Length exceeds 200 MB by the form's overhead only, so the emulator must count the file's bytes.
    const counted = await stream.sendFile(uploadURL, paddedTestcard(200_000_001))
    expect(counted.status).toBe(413)
    expect(await counted.text()).toContain('tus')
    expect((await emulator.state()).videos).toMatchObject([
      { state: 'pendingupload', receivedBytes: 0 },
    ])
    expect((await stream.sendFile(uploadURL, testcardFile())).status).toBe(200)
  })

  test('a client that disconnects during the body', async () => {
    const { emulator, stream, uploadURL } = await startWithUrl()
    const { bytes, contentType } = formBytes()
    const open = openRequest(uploadURL, 'POST', {
      'content-type': contentType,
      'content-length': String(bytes.length),
    })
    await writeBytes(open.request, bytes.subarray(0, 100_000))
    const received = async () => (await emulator.state()).videos[0]?.receivedBytes ?? 0
    await pollUntil(async () => (await received()) > 0)
    // Another client is rejected while this one sends.
    expect((await stream.sendFile(uploadURL, testcardFile())).status).toBe(409)
    open.request.destroy()
    await pollUntil(async () => (await received()) === 0)
    expect((await stream.sendFile(uploadURL, testcardFile())).status).toBe(200)
    expect((await emulator.state()).videos).toMatchObject([
      { receivedBytes: testcard.bytes.byteLength },
    ])
  })
})

test('accepts exactly 200 MB', async () => {
  const { emulator, stream, uploadURL } = await startWithUrl()
  expect((await stream.sendFile(uploadURL, paddedTestcard(200_000_000))).status).toBe(200)
  expect((await emulator.state()).videos).toMatchObject([{ receivedBytes: 200_000_000 }])
})

test('responds with 404 when the video is deleted during its upload', async () => {
  const { emulator, stream, uid, uploadURL } = await startWithUrl()
  const { bytes, contentType } = formBytes()
  const open = openRequest(uploadURL, 'POST', { 'content-type': contentType })
  await writeBytes(open.request, bytes.subarray(0, 100_000))
  await stream.call('DELETE', `/${uid}`)
  open.request.end(bytes.subarray(100_000))
  expect((await open.response).status).toBe(404)
  expect((await emulator.state()).videos).toEqual([])
})

test('allows any origin to upload and read the response', async () => {
  const { stream, uploadURL } = await startWithUrl()
  const preflight = await fetch(uploadURL, {
    method: 'OPTIONS',
    headers: {
      origin: 'https://example.com',
      'access-control-request-method': 'POST',
      'access-control-request-headers': 'content-type,x-own',
    },
  })
  expect(preflight.status).toBe(204)
  expect(preflight.headers.get('access-control-allow-origin')).toBe('*')
  expect(preflight.headers.get('access-control-allow-methods')).toContain('POST')
  expect(preflight.headers.get('access-control-allow-headers')).toBe('content-type,x-own')
  const sent = await stream.sendFile(uploadURL, testcardFile())
  expect(sent.headers.get('access-control-allow-origin')).toBe('*')
  const rejected = await stream.sendFile(uploadURL, testcardFile())
  expect(rejected.headers.get('access-control-allow-origin')).toBe('*')
})
