/** Clients that stop sending or reading: the emulator closes their connections and releases their locks. */
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { expect, onTestFinished, test } from 'vitest'

import { startTestEmulator } from '../kit/emulator.ts'
import { paddedTestcard, testcardFile } from '../kit/media.ts'
import { openRequest, writeBytes } from './kit/raw-request.ts'
import { createStreamClient } from './kit/stream-client.ts'
import { offsetOf } from './kit/tus-client.ts'

test('disconnects a client that stops sending, and accepts the next upload', async () => {
  const emulator = await startTestEmulator({ encodeMs: 0, idleTimeoutMs: 1000 })
  const stream = createStreamClient(emulator)

  const { uploadURL } = await stream.mintBasic({ maxDurationSeconds: 60 })
  const form = openRequest(uploadURL, 'POST', {
    'content-type': 'multipart/form-data; boundary=x',
    'content-length': '1000000',
  })
  await writeBytes(
    form.request,
    Buffer.from('--x\r\nContent-Disposition: form-data; name="file"\r\n\r\nabc'),
  )
  await expect(form.response).rejects.toThrow('socket hang up')
  expect((await stream.sendFile(uploadURL, testcardFile())).status).toBe(200)

  const tus = await stream.mintTus(10_000_000)
  const chunk = openRequest(tus.uploadURL, 'PATCH', {
    'tus-resumable': '1.0.0',
    'upload-offset': '0',
    'content-type': 'application/offset+octet-stream',
    'content-length': '10000000',
  })
  await writeBytes(chunk.request, Buffer.alloc(1000))
  await expect(chunk.response).rejects.toThrow('socket hang up')
  expect(await offsetOf(tus.uploadURL)).toBe(1000)

  const json = openRequest(`${emulator.url}/__emulator/clock`, 'POST', {
    'content-type': 'application/json',
    'content-length': '100',
  })
  await expect(json.response).rejects.toThrow('socket hang up')
})

test.each(['', 'GET / HTTP/1.1\r\nHost: x\r\n'])(
  'disconnects a client that sends only %j',
  async (text) => {
    const emulator = await startTestEmulator({ idleTimeoutMs: 200 })
    const socket = connect(Number(new URL(emulator.url).port), '127.0.0.1')
    socket.write(text)
    const [response] = await once(socket, 'data')
    expect(String(response)).toMatch(/^HTTP\/1\.1 408 /)
    socket.destroy()
  },
)

test('disconnects a client that stops reading', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'headgate-emulator-test-'))
  onTestFinished(() => rm(directory, { recursive: true, force: true }))
  const first = await startTestEmulator({ directory, encodeMs: 0 })
  const stream = createStreamClient(first)
  const { uid, uploadURL } = await stream.mintBasic({ maxDurationSeconds: 60 })
  // More than the buffers of both sides hold.
  await stream.sendFile(uploadURL, paddedTestcard(50_000_000))
  await first.close()
  const emulator = await startTestEmulator({ directory, encodeMs: 0, idleTimeoutMs: 200 })
  const socket = connect(Number(new URL(emulator.url).port), '127.0.0.1')
  socket.on('error', () => undefined)
  socket.write(`GET /${uid}/video HTTP/1.1\r\nHost: x\r\n\r\n`)
  await once(socket, 'readable')
  // The socket detects the close only while reading; after this wait the emulator has closed it.
  await new Promise((resolve) => {
    setTimeout(resolve, 1000)
  })
  const closed = once(socket, 'close')
  socket.resume()
  await closed
  expect(socket.bytesRead).toBeLessThan(50_000_000)
})

test('does not disconnect a client whose response is delayed by a fault', async () => {
  const emulator = await startTestEmulator({ idleTimeoutMs: 200 })
  await emulator.fault({ on: 'list', delayMs: 800 })
  expect(await createStreamClient(emulator).list()).toEqual([])
})
