/** The one-time URL of a direct_upload: one multipart POST, and every way to get it wrong. */
import { describe, expect, test } from 'vitest'

import { startTestEmulator } from '../kit/emulator.ts'
import { paddedTestcard, testcard, testcardFile } from '../kit/media.ts'
import { openRequest, send, until } from './kit/raw-request.ts'
import { openStream } from './kit/stream-client.ts'

async function startWithUrl() {
  const emulator = await startTestEmulator()
  const stream = openStream(emulator)
  const minted = await stream.mintBasic({ maxDurationSeconds: 60 })
  return { emulator, stream, ...minted }
}

/** A form with the test card, cut wherever the caller likes. */
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
  test('works once', async () => {
    const { stream, uploadURL } = await startWithUrl()
    expect((await stream.sendFile(uploadURL, testcardFile())).status).toBe(200)
    const again = await stream.sendFile(uploadURL, testcardFile())
    expect(again.status).toBe(409)
    expect(await again.text()).toContain('used')
  })

  test('does not work after its time', async () => {
    const { emulator, stream, uid, uploadURL } = await startWithUrl()
    await emulator.advanceClock(30 * 60)
    expect((await stream.sendFile(uploadURL, testcardFile())).status).toBe(410)
    expect(await stream.details(uid)).toMatchObject({ status: { state: 'pendingupload' } })
    expect(await emulator.state()).toMatchObject({
      reservedSeconds: 0,
      videos: [{ lapsed: true, reservedSeconds: 0 }],
    })
  })

  test('dies with its video', async () => {
    const { stream, uid, uploadURL } = await startWithUrl()
    await stream.call('DELETE', `/${uid}`)
    expect((await stream.sendFile(uploadURL, testcardFile())).status).toBe(404)
  })

  test('is not found where it was never minted', async () => {
    const { emulator, stream } = await startWithUrl()
    const unknown = `${emulator.url}/${'0'.repeat(32)}`
    expect((await stream.sendFile(unknown, testcardFile())).status).toBe(404)
  })

  test('goes to one of two who send at the same time', async () => {
    const { emulator, stream, uploadURL } = await startWithUrl()
    const answers = await Promise.all([
      stream.sendFile(uploadURL, testcardFile()),
      stream.sendFile(uploadURL, testcardFile()),
      stream.sendFile(uploadURL, testcardFile()),
    ])
    expect(answers.map((answer) => answer.status).toSorted((a, b) => a - b)).toEqual([
      200, 409, 409,
    ])
    expect((await emulator.state()).videos).toMatchObject([
      { receivedBytes: testcard.bytes.byteLength },
    ])
  })

  test('takes only POST', async () => {
    const { uploadURL } = await startWithUrl()
    for (const method of ['GET', 'PUT', 'PATCH', 'DELETE']) {
      const answer = await fetch(uploadURL, { method })
      expect(answer.status).toBe(405)
      expect(answer.headers.get('allow')).toBe('POST, OPTIONS')
    }
  })
})

describe('what is refused leaves the URL usable and no bytes behind', () => {
  test('a form without the field file', async () => {
    const { emulator, stream, uploadURL } = await startWithUrl()
    const answer = await stream.sendFile(uploadURL, testcardFile(), 'video')
    expect(answer.status).toBe(400)
    expect(await answer.text()).toContain('"file"')
    expect((await emulator.state()).videos).toMatchObject([
      { state: 'pendingupload', receivedBytes: 0 },
    ])
    expect((await stream.sendFile(uploadURL, testcardFile())).status).toBe(200)
  })

  test.each([
    ['a body that is no form', 'video/mp4', 'abc'],
    ['a form without a boundary', 'multipart/form-data', 'abc'],
    ['a form that is cut off', 'multipart/form-data; boundary=x', '--x\r\nContent-Disposition: fo'],
    ['a form of nothing', 'multipart/form-data; boundary=x', ''],
  ])('%s', async (_name, contentType, body) => {
    const { stream, uploadURL } = await startWithUrl()
    const answer = await fetch(uploadURL, {
      method: 'POST',
      headers: { 'content-type': contentType },
      body,
    })
    expect(answer.status).toBe(400)
    expect((await stream.sendFile(uploadURL, testcardFile())).status).toBe(200)
  })

  test('a file of more than 200 MB, whether or not its length is announced', async () => {
    const { emulator, stream, uploadURL } = await startWithUrl()
    const announced = openRequest(uploadURL, 'POST', {
      'content-type': 'multipart/form-data; boundary=x',
      'content-length': '500000000',
    })
    expect((await announced.answer).status).toBe(413)
    announced.line.destroy()

    // By no more than the form's own overhead: only counting can tell.
    const counted = await stream.sendFile(uploadURL, paddedTestcard(200_000_001))
    expect(counted.status).toBe(413)
    expect(await counted.text()).toContain('tus')
    expect((await emulator.state()).videos).toMatchObject([
      { state: 'pendingupload', receivedBytes: 0 },
    ])
    expect((await stream.sendFile(uploadURL, testcardFile())).status).toBe(200)
  })

  test('a client that hangs up midway', async () => {
    const { emulator, stream, uploadURL } = await startWithUrl()
    const { bytes, contentType } = formBytes()
    const open = openRequest(uploadURL, 'POST', {
      'content-type': contentType,
      'content-length': String(bytes.length),
    })
    await send(open.line, bytes.subarray(0, 100_000))
    const received = async () => (await emulator.state()).videos[0]?.receivedBytes ?? 0
    await until(async () => (await received()) > 0)
    // Somebody else is refused as long as this client sends.
    expect((await stream.sendFile(uploadURL, testcardFile())).status).toBe(409)
    open.line.destroy()
    await until(async () => (await received()) === 0)
    expect((await stream.sendFile(uploadURL, testcardFile())).status).toBe(200)
    expect((await emulator.state()).videos).toMatchObject([
      { receivedBytes: testcard.bytes.byteLength },
    ])
  })
})

test('exactly 200 MB are taken', async () => {
  const { emulator, stream, uploadURL } = await startWithUrl()
  expect((await stream.sendFile(uploadURL, paddedTestcard(200_000_000))).status).toBe(200)
  expect((await emulator.state()).videos).toMatchObject([{ receivedBytes: 200_000_000 }])
})

test('a video that is deleted while its bytes come in is gone', async () => {
  const { emulator, stream, uid, uploadURL } = await startWithUrl()
  const { bytes, contentType } = formBytes()
  const open = openRequest(uploadURL, 'POST', { 'content-type': contentType })
  await send(open.line, bytes.subarray(0, 100_000))
  await stream.call('DELETE', `/${uid}`)
  open.line.end(bytes.subarray(100_000))
  expect((await open.answer).status).toBe(404)
  expect((await emulator.state()).videos).toEqual([])
})

test('any origin may send and read the answer', async () => {
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
  const refused = await stream.sendFile(uploadURL, testcardFile())
  expect(refused.headers.get('access-control-allow-origin')).toBe('*')
})
