/** Clients that hold every connection: others are served, because the slowest connections make room for them. */
import { expect, test } from 'vitest'
import { z } from 'zod'

import { startTestEmulator, type TestEmulator } from '../kit/emulator.ts'
import { startTestGateway } from '../kit/gateway.ts'
import { testcardFile } from '../kit/media.ts'
import { type RawClient, openRaw, rawRequest } from '../kit/raw-client.ts'
import { createStreamClient } from './kit/stream-client.ts'
import { openRequest, pollUntil, writeBytes } from './kit/raw-request.ts'
import { offsetOf } from './kit/tus-client.ts'

const MAX_CONNECTIONS = 400

/** Opens connections that each send the text, one after the other, and nothing more. */
async function hold(
  url: string,
  count: number,
  text: string,
  localAddress?: string,
): Promise<readonly RawClient[]> {
  const clients: RawClient[] = []
  for (let index = 0; index < count; index += 1) {
    const client = await openRaw(url, localAddress)
    if (text !== '') client.socket.write(text)
    clients.push(client)
  }
  return clients
}

/** Opens connections of this kind, none of which a handler ends. */
const strangers: readonly (readonly [string, (emulator: TestEmulator) => Promise<string>])[] = [
  ['that send nothing', async () => ''],
  ['that send half of their headers', async () => 'GET / HTTP/1.1\r\nhost: x\r\n'],
  [
    'that send half of a form',
    async (emulator) => {
      const { uploadURL } = await createStreamClient(emulator).mintBasic({ maxDurationSeconds: 60 })
      const headers = {
        'content-type': 'multipart/form-data; boundary=x',
        'content-length': '100000',
      }
      return `${rawRequest(`POST ${new URL(uploadURL).pathname}`, headers)}--x\r\n`
    },
  ],
  [
    'that send half of the body of a request for which they have no rights',
    async (emulator) => {
      const { pathname } = new URL(`${emulator.apiBaseUrl}/accounts/local/stream/direct_upload`)
      return `${rawRequest(`POST ${pathname}`, { 'content-length': '100000' })}{`
    },
  ],
]

test.each(strangers)(
  'mints and receives files beside 400 connections %s',
  async (_name, textOf) => {
    const emulator = await startTestEmulator({ encodeMs: 0 })
    await hold(emulator.url, MAX_CONNECTIONS, await textOf(emulator))
    const stream = createStreamClient(emulator)
    const { uploadURL } = await stream.mintBasic({ maxDurationSeconds: 60 })
    expect((await stream.sendFile(uploadURL, testcardFile())).status).toBe(200)
  },
)

test('the gateway creates uploads beside 400 connections to the emulator', async () => {
  const gateway = await startTestGateway()
  await hold(gateway.emulator.url, MAX_CONNECTIONS, 'GET / HTTP/1.1\r\n')
  // Several at once, because the gateway has one connection from its start.
  const created = await Promise.all(
    Array.from({ length: 5 }, () =>
      gateway
        .as()
        .request(
          z.object({ createDirectUpload: z.object({ __typename: z.string() }) }),
          'mutation { createDirectUpload(input: { maxDurationSeconds: 60 }) { __typename } }',
        ),
    ),
  )
  for (const { createDirectUpload } of created) {
    expect(createDirectUpload.__typename).toBe('CreateDirectUploadSuccess')
  }
})

test('a slow upload continues while others open more connections than the maximum', async () => {
  const emulator = await startTestEmulator()
  const { uploadURL } = await createStreamClient(emulator).mintTus(60_000)
  const open = openRequest(uploadURL, 'PATCH', {
    'tus-resumable': '1.0.0',
    'upload-offset': '0',
    'content-type': 'application/offset+octet-stream',
    'content-length': '60000',
  })
  await writeBytes(open.request, Buffer.alloc(30_000))
  await pollUntil(async () => (await offsetOf(uploadURL)) === 30_000)
  await hold(emulator.url, 2 * MAX_CONNECTIONS, rawRequest(`POST /${'0'.repeat(32)}`).slice(0, -2))
  open.request.end(Buffer.alloc(30_000))
  expect((await open.response).status).toBe(204)
})

/** A request with the API token, whose connection stays open for some seconds. */
function listRequest(emulator: TestEmulator): string {
  const { pathname } = new URL(`${emulator.apiBaseUrl}/accounts/local/stream?status=ready`)
  return rawRequest(`GET ${pathname}`, { authorization: `Bearer ${emulator.token}` })
}

test('an idle connection that has sent the token stays open', async () => {
  const emulator = await startTestEmulator()
  const client = await openRaw(emulator.url)
  client.socket.write(listRequest(emulator))
  await client.until('"success":true')
  await hold(emulator.url, 2 * MAX_CONNECTIONS, '')
  client.socket.write(listRequest(emulator).replace('local-token', 'wrong'))
  expect(await client.until('"success":false')).toContain('401')
})

test('no connection makes room if all have sent the token', async () => {
  const emulator = await startTestEmulator()
  const clients = await hold(emulator.url, MAX_CONNECTIONS, listRequest(emulator))
  await Promise.all(clients.map((client) => client.until('"success":true')))
  const further = await openRaw(emulator.url)
  expect(await further.closed()).toBe('')
  expect(clients.filter(({ socket }) => socket.destroyed)).toEqual([])
})

test('a client with many connections makes room before others', async () => {
  const emulator = await startTestEmulator()
  const [other] = await hold(emulator.url, 1, '', '127.0.0.3')
  const many = await hold(emulator.url, 2 * MAX_CONNECTIONS, '', '127.0.0.2')
  const open = () => many.filter(({ socket }) => !socket.destroyed).length
  for (const { socket } of many) socket.resume()
  await expect.poll(open).toBe(MAX_CONNECTIONS - 1)
  other?.socket.write(rawRequest('GET /'))
  expect(await other?.until('\r\n\r\n')).toContain('200 OK')
})

test('a request that waits for the emulator is not closed for others whose body is only discarded', async () => {
  const emulator = await startTestEmulator()
  await emulator.fault({ on: 'upload', delayMs: 60_000 })
  const path = `POST /${'0'.repeat(32)}`
  const waiting = await openRaw(emulator.url)
  waiting.socket.write(rawRequest(path))
  await expect.poll(async () => (await emulator.state()).requests['upload']).toBe(1)
  // More bytes in less time than the request that waits.
  const body = 'x'.repeat(10_000)
  const unread = rawRequest(path, { 'content-length': '100000' }) + body
  const others = await hold(emulator.url, MAX_CONNECTIONS - 1, unread)
  await Promise.all(others.map((client) => client.until('HTTP/1.1 404')))
  const further = await hold(emulator.url, 20, '')
  const open = () => [...others, ...further].filter(({ socket }) => !socket.destroyed).length
  for (const { socket } of [waiting, ...further]) socket.resume()
  await expect.poll(open).toBeLessThan(MAX_CONNECTIONS)
  expect(waiting.socket.destroyed).toBe(false)
})
