/** A connection has one request in progress: pipelined requests hold no files, and nothing outlives the connection. */
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { Agent, get, type IncomingMessage } from 'node:http'
import { mkdtemp, readdir, readlink, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { expect, onTestFinished, test } from 'vitest'

import { startTestEmulator, type TestEmulator } from '../kit/emulator.ts'
import { paddedTestcard, testcardFile } from '../kit/media.ts'
import { openRaw, rawRequest } from '../kit/raw-client.ts'
import { pollUntil } from './kit/raw-request.ts'
import { createStreamClient } from './kit/stream-client.ts'

/** More than the buffers of both sides hold. */
const VIDEO_BYTES = 50_000_000

async function startWithVideo(): Promise<{ emulator: TestEmulator; uid: string; file: string }> {
  const directory = await mkdtemp(join(tmpdir(), 'headgate-emulator-test-'))
  onTestFinished(() => rm(directory, { recursive: true, force: true }))
  const emulator = await startTestEmulator({ directory, encodeMs: 0 })
  const stream = createStreamClient(emulator)
  const { uid, uploadURL } = await stream.mintBasic({ maxDurationSeconds: 60 })
  expect((await stream.sendFile(uploadURL, paddedTestcard(VIDEO_BYTES))).status).toBe(200)
  await untilReady(emulator, uid)
  return { emulator, uid, file: join(directory, 'files', uid) }
}

async function untilReady({ url }: TestEmulator, uid: string): Promise<void> {
  await pollUntil(async () => (await fetch(`${url}/${uid}/video`, { method: 'HEAD' })).ok)
}

/** How often this process has the file open. */
async function countOpen(file: string): Promise<number> {
  const handles = await readdir('/proc/self/fd')
  const paths = await Promise.all(
    handles.map((handle) => readlink(`/proc/self/fd/${handle}`).catch(() => '')),
  )
  return paths.filter((path) => path === file).length
}

test.skipIf(!existsSync('/proc/self/fd'))(
  'opens one file for pipelined requests, and closes it when the client leaves',
  async () => {
    const { emulator, uid, file } = await startWithVideo()
    const client = await openRaw(emulator.url)
    client.socket.write(rawRequest(`GET /${uid}/video`).repeat(10))
    await once(client.socket, 'readable')
    expect(await countOpen(file)).toBe(1)
    client.socket.destroy()
    await pollUntil(async () => (await countOpen(file)) === 0)
    await emulator.close()
  },
)

test('closes while a client leaves pipelined responses unread', async () => {
  const { emulator, uid } = await startWithVideo()
  const client = await openRaw(emulator.url)
  client.socket.write(rawRequest(`GET /${uid}/video`).repeat(10))
  await once(client.socket, 'readable')
  expect(await emulator.close()).toBeUndefined()
})

test('sends the response in progress, then closes the connection of pipelined requests', async () => {
  const emulator = await startTestEmulator()
  const client = await openRaw(emulator.url)
  client.socket.write(rawRequest('GET /__emulator/state').repeat(3))
  const received = await client.closed()
  expect(received.split('HTTP/1.1 ')).toHaveLength(2)
  expect(received).toContain('HTTP/1.1 200 OK')
  expect(received).toContain('"videos":[]')
})

test.each([
  ['with chunks', 'transfer-encoding: chunked\r\n\r\n1000\r\n'],
  ['of declared length', 'content-length: 4096\r\n\r\n'],
])('survives a pipelined body %s behind an unread response', async (_name, rest) => {
  const { emulator, uid } = await startWithVideo()
  const client = await openRaw(emulator.url)
  // Connections are read in slices after a request with chunks.
  client.socket.write(`${rawRequest('POST /', { 'transfer-encoding': 'chunked' })}0\r\n\r\n`)
  await once(client.socket, 'readable')
  client.socket.read()
  client.socket.write(rawRequest(`GET /${uid}/video`))
  await once(client.socket, 'readable')
  // The buffers of both sides are full.
  await pollUntil(async () => {
    const before = client.socket.bytesRead
    await new Promise((resolve) => setTimeout(resolve, 50))
    return client.socket.bytesRead === before
  })
  client.socket.write(`POST / HTTP/1.1\r\nhost: a\r\n${rest}${'x'.repeat(4096)}`)
  expect((await fetch(`${emulator.url}/${uid}/video`, { method: 'HEAD' })).status).toBe(200)
  // Node fails in the event loop, which vitest reports.
  expect((await client.closed()).length).toBeGreaterThan(VIDEO_BYTES)
})

test('disconnects a client above 16 pipelined requests', async () => {
  const emulator = await startTestEmulator()
  await emulator.fault({ on: 'upload', delayMs: 60_000 })
  const client = await openRaw(emulator.url)
  const upload = rawRequest(`POST /${'0'.repeat(32)}`)
  client.socket.write(upload + rawRequest('GET /__emulator/state').repeat(17))
  expect(await client.closed()).toBe('')
})

test.each([
  ['', 'GET / HTTP/1.1\r\nhost:a\r\n\r\n'],
  [' without a Host header', 'GET / HTTP/1.1\r\n\r\n'],
])('parses no request of a connection that was closed%s', async (_name, request) => {
  const emulator = await startTestEmulator()
  let parsed = 0
  const count = () => {
    parsed += 1
  }
  subscribe('http.server.request.start', count)
  onTestFinished(() => void unsubscribe('http.server.request.start', count))
  const client = await openRaw(emulator.url)
  client.socket.write(request.repeat(2000))
  expect(await client.closed()).toBe('')
  // The first, those that were pipelined, and the one that closed the connection.
  expect(parsed).toBeLessThanOrEqual(18)
})

test('serves a client that requests a video again as soon as it has received all of it', async () => {
  const emulator = await startTestEmulator({ encodeMs: 0 })
  const { uid, uploadURL } = await createStreamClient(emulator).mintBasic({
    maxDurationSeconds: 60,
  })
  await createStreamClient(emulator).sendFile(uploadURL, testcardFile())
  await untilReady(emulator, uid)
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  onTestFinished(() => agent.destroy())
  const ports = new Set<number | undefined>()
  for (let count = 0; count < 200; count += 1) {
    const request = get(`${emulator.url}/${uid}/video`, { agent })
    const response = await new Promise<IncomingMessage>((resolve, reject) => {
      request.on('response', resolve).on('error', reject)
    })
    ports.add(response.socket.localPort)
    response.resume()
    await once(response, 'end')
  }
  expect(ports.size).toBe(1)
})

test('responds 400 to a request without a Host header, except with HTTP 1.0', async () => {
  const emulator = await startTestEmulator()
  const client = await openRaw(emulator.url)
  client.socket.write('GET / HTTP/1.1\r\n\r\n')
  expect(await client.until('is missing')).toMatch(/^HTTP\/1\.1 400 /)
  const old = await openRaw(emulator.url)
  old.socket.write('GET / HTTP/1.0\r\n\r\n')
  expect(await old.closed()).toMatch(/^HTTP\/1\.1 200 /)
})
