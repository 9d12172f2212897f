/** The HTTP server has a bounded number of connections, and serves new ones although clients hold all of them. */
import { expect, it } from 'vitest'
import { createScheduling } from '../../src/node/server/accept-priority.ts'
import type { ServedGateway } from '../../src/node/server/http-server.ts'
import {
  RAW_UPGRADE,
  type RawClient,
  openRaw,
  openRawSocket,
  rawFrames,
  rawRequest,
} from '../kit/raw-client.ts'
import { acceptingWebSockets, serveInTest } from '../kit/served-gateway.ts'

/** A server with three connections at most, of which the oldest that may be closed is chosen. */
function startServer(fetch: ServedGateway['fetch']): Promise<{ readonly url: string }> {
  const gateway = { fetch, webSockets: acceptingWebSockets }
  return serveInTest(gateway, { maxConnections: 3, randomBelow: () => 0 })
}

function isOpen({ socket }: RawClient): boolean {
  return !socket.destroyed
}

it.each([
  ['have sent nothing', '', ''],
  ['have sent half of their headers', 'GET / HTTP/1.1\r\n', ''],
  ['have sent half of a body', `${rawRequest('POST /', { 'content-length': '9' })}{`, ''],
  ['are idle after a response', rawRequest('GET /'), 'served'],
  ['have no WebSocket accepted', RAW_UPGRADE, '101'],
])('closes one of the connections that %s for a new one', async (_name, text, reply) => {
  const server = await startServer(async () => new Response('served'))
  const clients: RawClient[] = []
  for (let count = 0; count < 3; count += 1) {
    const client = await openRaw(server.url)
    client.socket.write(text)
    await client.until(reply)
    clients.push(client)
  }
  const next = await openRaw(server.url)
  next.socket.write(rawRequest('GET /'))
  expect(await next.until('served')).toContain('HTTP/1.1 200 OK')
  await expect.poll(() => clients.map(isOpen)).toEqual([false, true, true])
})

it('closes no connection that the server works for, and closes a new one instead', async () => {
  const server = await startServer(async ({ url }) => {
    if (!url.endsWith('/stream')) return new Promise<Response>(() => {})
    const body = new ReadableStream({ start: (stream) => stream.enqueue('event: next\n\n') })
    return new Response(body, { headers: { 'content-type': 'text/event-stream' } })
  })
  const running = await openRaw(server.url)
  running.socket.write(rawRequest('GET /'))
  const stream = await openRaw(server.url)
  stream.socket.write(rawRequest('GET /stream'))
  await stream.until('event: next')
  const socket = await openRawSocket(server.url)
  socket.socket.write(rawFrames('{}'))
  await socket.until('accepted')

  const further = await openRaw(server.url)
  expect(await further.closed()).toBe('')
  expect([running, stream, socket].map(isOpen)).toEqual([true, true, true])
})

it('closes no connection whose request waits in the queue', async () => {
  let isPaused = true
  let isQueued = false
  const scheduling = createScheduling()
  const options = {
    maxConnections: 1,
    scheduling: {
      ...scheduling,
      acceptPriority: {
        ...scheduling.acceptPriority,
        isPaused() {
          isQueued = true
          return isPaused
        },
      },
    },
  }
  const server = await serveInTest({ fetch: async () => new Response('served') }, options)
  const waiting = await openRaw(server.url)
  waiting.socket.write(rawRequest('GET /'))
  await expect.poll(() => isQueued).toBe(true)
  const further = await openRaw(server.url)
  expect(await further.closed()).toBe('')
  isPaused = false
  expect(await waiting.until('served')).toContain('HTTP/1.1 200 OK')
})
