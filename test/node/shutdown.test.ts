/** Shutdown: clients that send half of a request, or do not close their WebSocket, delay it by `shutdownMs` only. */
import { EventEmitter, once } from 'node:events'
import { expect, it } from 'vitest'
import { RAW_UPGRADE, openRaw, rawRequest } from '../kit/raw-client.ts'
import { serveInTest } from '../kit/served-gateway.ts'

const LONG_MS = 30_000

function startServer(fetch: (request: Request) => Promise<Response>) {
  const options = {
    timeouts: {
      headersMs: LONG_MS,
      requestMs: LONG_MS,
      stalledMs: LONG_MS,
      readMs: LONG_MS,
      shutdownMs: 200,
    },
  }
  return serveInTest({ fetch }, options)
}

it.each([
  ['half of its headers', 'POST /graphql HTTP/1.1\r\nhost: localhost\r\n'],
  ['half of an operation', 'POST /graphql'],
  ['half of a webhook', 'POST /webhooks/stream'],
])('disconnects a client that has sent %s', async (_sent, line) => {
  const server = await startServer(async (request) => new Response(await request.text()))
  const client = await openRaw(server.url)
  const headers = { 'content-type': 'application/json', 'content-length': '100' }
  client.socket.write(line.endsWith('\n') ? line : `${rawRequest(line, headers)}half of it`)
  const before = await openRaw(server.url)
  before.socket.write(rawRequest('GET /healthz'))
  await before.until('HTTP/1.1 200 ')
  const startedAt = performance.now()
  await server.close(LONG_MS)
  expect(performance.now() - startedAt).toBeLessThan(LONG_MS / 3)
  await client.closed()
})

it('waits longer for the response to a request that was received completely', async () => {
  const events = new EventEmitter()
  let received = 0
  const server = await startServer(async () => {
    received += 1
    await once(events, 'respond')
    return new Response('the response')
  })
  const complete = await openRaw(server.url)
  complete.socket.write(rawRequest('POST /webhooks/stream', {}, '{}'))
  const incomplete = await openRaw(server.url)
  incomplete.socket.write(rawRequest('POST /webhooks/stream', { 'content-length': '100' }))
  await expect.poll(() => received).toBe(2)
  const closed = server.close(LONG_MS)
  await incomplete.closed()
  events.emit('respond')
  expect(await complete.until('the response')).toMatch(/^HTTP\/1\.1 200 /)
  await closed
})

it('disconnects a WebSocket whose client does not close it', async () => {
  const server = await startServer(async () => new Response())
  const client = await openRaw(server.url)
  client.socket.write(RAW_UPGRADE)
  await client.until('\r\n\r\n')
  const startedAt = performance.now()
  await server.close(LONG_MS)
  expect(performance.now() - startedAt).toBeLessThan(LONG_MS / 3)
  expect(await client.closed()).toContain('The gateway restarts.')
})

it('disconnects a client that has sent nothing', async () => {
  const server = await startServer(async () => new Response())
  const client = await openRaw(server.url)
  const startedAt = performance.now()
  await server.close(LONG_MS)
  // Connections that wait for their clients are closed after a second.
  expect(performance.now() - startedAt).toBeLessThan(800)
  expect(await client.closed()).toBe('')
})
