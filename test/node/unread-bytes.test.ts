/** Clients that do not read have 64 MB of unread responses together, over HTTP and WebSockets. */
import { once } from 'node:events'
import { expect, it } from 'vitest'
import type { WebSocket } from 'ws'
import { withStaticFiles } from '../../src/http/pages/static-file.ts'
import { createTestClock } from '../kit/clock.ts'
import { type RawClient, openRaw, rawQuery, rawRequest } from '../kit/raw-client.ts'
import { serveInTest, servedGateway, webSocketsWith } from '../kit/served-gateway.ts'
import { openWebSocket } from '../kit/web-socket.ts'

/** Much more than the buffers of both ends of a loopback connection hold. */
const LARGE = 16 * 1024 * 1024
const SMALL = 9 * 1024 * 1024
/** Just less than what disconnects a WebSocket for its own unread bytes. */
const MESSAGE = 7 * 1024 * 1024
const CLIENTS = 12
/** On a busy machine, clients would count as those that have stopped reading. */
const STOPPED_CLOCK = { monotonicMs: () => 0 }

const largeText = 'x'.repeat(LARGE)
const smallText = 'x'.repeat(SMALL)
const message = 'x'.repeat(MESSAGE)

/** All ways of writing a response, except event streams, which wait until their client has read. */
const gateway = servedGateway({
  fetch: async ({ url }) => new Response(url.endsWith('/small') ? smallText : largeText),
  fastPath: {
    ...servedGateway({}).fastPath,
    handle: () => ({ status: 200, headers: [], text: largeText }),
  },
  webSockets: webSocketsWith((sink) => void sink.send(message)),
})

/** Sends a request, and reads nothing but the first bytes of the response. */
async function requestWithoutReading(url: string, request: string): Promise<RawClient> {
  const client = await openRaw(url)
  client.socket.pause()
  client.socket.write(request)
  await once(client.socket, 'readable')
  return client
}

/** Reads the rest. Resolves with true if the whole response was received. */
async function readRest(client: RawClient, bytes: number): Promise<boolean> {
  let received = 0
  const done = new Promise<boolean>((resolve) => {
    client.socket.on('data', (chunk: Buffer) => {
      received += chunk.length
      if (received >= bytes) resolve(true)
    })
    client.socket.once('close', () => resolve(false))
  })
  client.socket.resume()
  return done
}

const isTrue = (value: boolean): boolean => value

it.each([
  ['the fast path', rawQuery('{ __typename }')],
  ['a web Response', rawRequest('GET /')],
])('disconnects clients that leave most of %s unread', async (_name, request) => {
  const { url } = await serveInTest(gateway, STOPPED_CLOCK)
  const small = await requestWithoutReading(url, rawRequest('GET /small'))
  const clients: RawClient[] = []
  for (let index = 0; index < CLIENTS; index += 1) {
    clients.push(await requestWithoutReading(url, request))
  }
  // A client that reads is served in the meantime.
  expect((await (await fetch(url)).text()).length).toBe(LARGE)
  expect(await readRest(small, SMALL)).toBe(true)
  const whole = await Promise.all(clients.map((client) => readRest(client, LARGE)))
  expect(whole.filter(isTrue).length).toBeGreaterThan(0)
  expect(whole.filter(isTrue).length).toBeLessThanOrEqual(5)
})

async function openWithoutReading(url: string): Promise<WebSocket> {
  const socket = await openWebSocket(url)
  socket.pause()
  socket.send('{"type":"ping"}')
  return socket
}

it('disconnects WebSockets and HTTP clients by one count', async () => {
  const { url } = await serveInTest(gateway, STOPPED_CLOCK)
  const clients: RawClient[] = []
  for (let index = 0; index < 3; index += 1) {
    clients.push(await requestWithoutReading(url, rawRequest('GET /')))
  }
  const sockets: WebSocket[] = []
  for (let index = 0; index < 2 * CLIENTS; index += 1) sockets.push(await openWithoutReading(url))
  expect((await (await fetch(url)).text()).length).toBe(LARGE)
  const messages = sockets.map(
    (socket) =>
      new Promise<boolean>((resolve) => {
        socket.once('message', () => resolve(true))
        socket.once('close', () => resolve(false))
        socket.resume()
      }),
  )
  const received = await Promise.all(messages)
  expect(received.filter(isTrue).length).toBeGreaterThan(0)
  expect(received.filter(isTrue).length).toBeLessThan(2 * CLIENTS)
  const whole = await Promise.all(clients.map((client) => readRest(client, LARGE)))
  expect(whole).toEqual([false, false, false])
})

it('disconnects no clients that leave static files unread: each has one slice at most', async () => {
  const bytes = new Uint8Array(LARGE)
  const file = { name: 'large.js', codings: [], read: async () => bytes }
  const fetchFile = withStaticFiles(
    async (path) => (path === '/large.js' ? file : null),
    async () => new Response(largeText),
  )
  const { url } = await serveInTest({ fetch: fetchFile }, STOPPED_CLOCK)
  const clients: RawClient[] = []
  for (let index = 0; index < CLIENTS; index += 1) {
    clients.push(await requestWithoutReading(url, rawRequest('GET /large.js')))
  }
  // The limit is reached by other clients.
  for (let index = 0; index < 3; index += 1) {
    await requestWithoutReading(url, rawRequest('GET /'))
    expect((await (await fetch(url)).text()).length).toBe(LARGE)
  }
  const whole = await Promise.all(clients.map((client) => readRest(client, LARGE)))
  expect(whole).toEqual(Array(CLIENTS).fill(true))
})

/** Reads until this many bytes were received, then pauses. */
async function readSome({ socket }: RawClient, bytes: number): Promise<void> {
  let received = 0
  await new Promise<void>((resolve) => {
    function read(chunk: Buffer): void {
      received += chunk.length
      if (received < bytes) return
      socket.off('data', read).pause()
      resolve()
    }
    socket.on('data', read).once('close', resolve).resume()
  })
}

it('disconnects clients that have stopped reading before a slow reader of a larger response', async () => {
  const clock = createTestClock(() => 0)
  const { url } = await serveInTest(gateway, { monotonicMs: () => clock.monotonicMs() })
  const open = (path: string) => requestWithoutReading(url, rawRequest(`GET ${path}`))
  const slow = await open('/')
  const stopped = [await open('/small'), await open('/small')]
  // Causes a count, which disconnects no client.
  for (let index = 0; index < 4; index += 1) await (await fetch(`${url}/small`)).text()
  clock.advance(3)
  const READ = 8 * 1024 * 1024
  await readSome(slow, READ)
  const fresh = [await open('/small'), await open('/small')]
  await (await fetch(`${url}/small`)).text()
  expect(await readRest(slow, LARGE - READ - 100_000)).toBe(true)
  const whole = (clients: readonly RawClient[]) =>
    Promise.all(clients.map((client) => readRest(client, SMALL)))
  expect(await whole(stopped)).toEqual([false, false])
  expect(await whole(fresh)).toEqual([true, true])
})

it('counts bytes, not characters', async () => {
  // 16 MB of characters that have three bytes each.
  const text = '\u20ac'.repeat(LARGE / 3)
  const fastPath = { ...gateway.fastPath, handle: () => ({ status: 200, headers: [], text }) }
  const { url } = await serveInTest({ ...gateway, fastPath }, STOPPED_CLOCK)
  const clients: RawClient[] = []
  for (let index = 0; index < 9; index += 1) {
    clients.push(await requestWithoutReading(url, rawQuery('{ __typename }')))
  }
  const whole = await Promise.all(clients.map((client) => readRest(client, LARGE - 2)))
  expect(whole.filter(isTrue).length).toBeLessThanOrEqual(5)
})
