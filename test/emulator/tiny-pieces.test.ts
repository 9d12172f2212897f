/** Bodies that arrive in tiny pieces: each piece costs time and memory, so that a client has a bounded number. */
import { describe, expect, onTestFinished, test, vi } from 'vitest'

import { CountedRequest } from '../../src/emulator/counted-request.ts'
import { startTestEmulator } from '../kit/emulator.ts'
import { zeros } from '../kit/media.ts'
import { openRaw, rawRequest } from '../kit/raw-client.ts'
import { pollUntil } from './kit/raw-request.ts'
import { createStreamClient } from './kit/stream-client.ts'
import { offsetOf, patch } from './kit/tus-client.ts'

const CHUNKED = { 'transfer-encoding': 'chunked' }
const JSON_HEADERS = { ...CHUNKED, 'content-type': 'application/json' }
const FORM_HEADERS = { ...CHUNKED, 'content-type': 'multipart/form-data; boundary=x' }
const TUS_HEADERS = {
  ...CHUNKED,
  'tus-resumable': '1.0.0',
  'upload-offset': '0',
  'content-type': 'application/offset+octet-stream',
}
const FORM_START = '--x\r\nContent-Disposition: form-data; name="file"\r\n\r\n'

function chunk(text: string): string {
  return `${text.length.toString(16)}\r\n${text}\r\n`
}

const TINY = chunk(' ')
const SMALL = chunk('v'.repeat(1024))

/** Sends a request whose body never ends; returns what was received until the emulator disconnected. */
async function sendUnended(
  url: string,
  line: string,
  headers: Record<string, string>,
  body: string,
) {
  const client = await openRaw(url)
  client.socket.write(rawRequest(line, headers) + body)
  return client.closed()
}

describe('disconnects a client that sends tiny pieces', () => {
  test('of a JSON body', async () => {
    const { url } = await startTestEmulator()
    const received = await sendUnended(
      url,
      'POST /__emulator/clock',
      JSON_HEADERS,
      TINY.repeat(200),
    )
    expect(received).toBe('')
  })

  test('of a body that is not read', async () => {
    const { url } = await startTestEmulator()
    const client = await openRaw(url)
    const { socket } = client
    socket.write(rawRequest('POST /nothing', CHUNKED))
    expect(await client.until('\r\n\r\n')).toContain('HTTP/1.1 404')
    // Continues, because Node closes a connection that is idle after its response.
    const sendMore = () => socket.write(TINY.repeat(100), () => setImmediate(sendMore))
    sendMore()
    await client.closed()
    expect(socket.bytesWritten).toBeLessThan(10_000_000)
  })

  test('of a body that waits for a delayed operation', async () => {
    const emulator = await startTestEmulator()
    await emulator.fault({ on: 'upload', delayMs: 60_000 })
    const body = TINY.repeat(200)
    expect(await sendUnended(emulator.url, `POST /${'0'.repeat(32)}`, CHUNKED, body)).toBe('')
  })

  test('of a form, and releases the upload URL', async () => {
    const emulator = await startTestEmulator()
    const stream = createStreamClient(emulator)
    const { uploadURL } = await stream.mintBasic({ maxDurationSeconds: 60 })
    const line = `POST ${new URL(uploadURL).pathname}`
    const body = chunk(FORM_START) + TINY.repeat(200)
    expect(await sendUnended(emulator.url, line, FORM_HEADERS, body)).toBe('')
    expect((await stream.sendFile(uploadURL, new File(['v'], 'v.mp4'))).status).toBe(200)
  })

  test('of a tus chunk, and releases the upload URL', async () => {
    const emulator = await startTestEmulator()
    const { uploadURL } = await createStreamClient(emulator).mintTus(10_000)
    const line = `PATCH ${new URL(uploadURL).pathname}`
    expect(await sendUnended(emulator.url, line, TUS_HEADERS, TINY.repeat(200))).toBe('')
    const offset = await offsetOf(uploadURL)
    expect((await patch(uploadURL, offset, zeros(10_000 - offset))).status).toBe(204)
  })
})

test.each([
  ['', 0],
  [' behind many headers', 300],
])('processes fewer than 1,000 of 9,000 tiny pieces that arrive at once%s', async (_, count) => {
  const { url } = await startTestEmulator()
  const push = vi.spyOn(CountedRequest.prototype, 'push')
  onTestFinished(() => push.mockRestore())
  const headers: Record<string, string> = {}
  for (let index = 0; index < count; index += 1) headers[`x${index}`] = ''
  headers['transfer-encoding'] = 'chunked'
  await sendUnended(url, 'POST /', headers, TINY.repeat(9000))
  expect(push.mock.calls.length).toBeLessThan(1000)
})

describe('serves a client that sends', () => {
  test('a large tus chunk in pieces of 1,024 bytes', async () => {
    const emulator = await startTestEmulator()
    const { uploadURL } = await createStreamClient(emulator).mintTus(16 * 1_048_576)
    const client = await openRaw(emulator.url)
    const line = `PATCH ${new URL(uploadURL).pathname}`
    client.socket.write(rawRequest(line, TUS_HEADERS) + SMALL.repeat(16 * 1024) + '0\r\n\r\n')
    expect(await client.until('upload-offset')).toContain('HTTP/1.1 204')
  })

  test('requests with and without chunks on one connection', async () => {
    const { url } = await startTestEmulator()
    const client = await openRaw(url)
    const json = { 'content-type': 'application/json' }
    const body = '{"advanceSeconds":1}'
    const requests = [
      rawRequest('POST /__emulator/clock', { ...json, 'content-length': '20' }, body),
      rawRequest('POST /__emulator/clock', JSON_HEADERS) + `${chunk(body)}0\r\n\r\n`,
      rawRequest('POST /__emulator/clock', { ...json, 'content-length': '20' }, body),
      rawRequest('POST /__emulator/clock', JSON_HEADERS) + `${chunk(body)}0\r\nA: b\r\n\r\n`,
    ]
    for (const [index, request] of requests.entries()) {
      client.socket.write(request)
      await client.until('HTTP/1.1 200')
      await pollUntil(async () => client.received().split('HTTP/1.1 200').length - 1 === index + 1)
    }
    expect(await (await fetch(`${url}/__emulator/state`)).text()).toContain('"advancedSeconds":4')
  })

  test('a body with chunks after it was told to continue', async () => {
    const { url } = await startTestEmulator()
    const client = await openRaw(url)
    client.socket.write(
      rawRequest('POST /__emulator/clock', { ...JSON_HEADERS, expect: '100-continue' }),
    )
    await client.until('HTTP/1.1 100 Continue')
    client.socket.write(`${chunk('{"advanceSeconds":1}')}0\r\n\r\n`)
    expect(await client.until('HTTP/1.1 200')).toContain('HTTP/1.1 200')
  })

  test('tiny pieces below the maximum, in each of several requests on one connection', async () => {
    const { url } = await startTestEmulator()
    const client = await openRaw(url)
    const request =
      rawRequest('POST /__emulator/clock', JSON_HEADERS) +
      chunk('{"advanceSeconds":1}') +
      TINY.repeat(100) +
      '0\r\n\r\n'
    for (let count = 1; count <= 5; count += 1) {
      client.socket.write(request)
      await client.until('HTTP/1.1 200')
      await pollUntil(async () => client.received().split('HTTP/1.1 200').length === count + 1)
    }
    expect(await (await fetch(`${url}/__emulator/state`)).text()).toContain('"advancedSeconds":5')
  })
})
