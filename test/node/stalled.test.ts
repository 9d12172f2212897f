/** The server disconnects a client that stops reading or reads too slowly, for every kind of response. */
import { once } from 'node:events'
import { expect, it, onTestFinished, vi } from 'vitest'
import { z } from 'zod'
import { type ServedGateway } from '../../src/node/server/http-server.ts'
import { type RawClient, openRaw, rawRequest } from '../kit/raw-client.ts'
import { serveInTest } from '../kit/served-gateway.ts'

const STALLED_MS = 300
const READ_MS = 8000
/** More than the buffers of both ends of a loopback connection hold. */
const LARGE = 16 * 1024 * 1024

function startServer(fetch: ServedGateway['fetch'], stalledMs = STALLED_MS) {
  const options = {
    timeouts: {
      headersMs: 10_000,
      requestMs: 10_000,
      stalledMs,
      readMs: READ_MS,
      shutdownMs: 3000,
    },
  }
  return serveInTest({ fetch }, options)
}

/** Returns an endless response, and a promise that resolves when its body is cancelled. */
function endless(type: string) {
  let end: ((reason: 'cancelled') => void) | null = null
  const ended = new Promise<'cancelled'>((resolve) => {
    end = resolve
  })
  const body = new ReadableStream<Uint8Array>({
    pull: (controller) => controller.enqueue(new Uint8Array(64 * 1024)),
    cancel: () => end?.('cancelled'),
  })
  const headers = { 'content-type': type, 'content-length': String(LARGE * 100) }
  if (type === 'text/event-stream')
    return { ended, response: new Response(body, { headers: { 'content-type': type } }) }
  return { ended, response: new Response(body, { headers }) }
}

it.each(['text/event-stream', 'text/javascript'])(
  'disconnects a client that does not read a body of %s, and cancels the body',
  async (type) => {
    const { ended, response } = endless(type)
    const server = await startServer(async () => response)
    const client = await openRaw(server.url)
    client.socket.pause()
    client.socket.write(rawRequest('GET /'))
    expect(await ended).toBe('cancelled')
    expect(server.load().inFlight).toBe(0)
  },
)

it('disconnects a client that does not read a large response that was written in one call', async () => {
  const server = await startServer(async () => new Response('x'.repeat(LARGE)))
  const client = await openRaw(server.url)
  client.socket.pause()
  client.socket.write(rawRequest('GET /'))
  const startedAt = performance.now()
  // `close` waits for unfinished responses. This one ends with its connection.
  await expect.poll(() => server.load().inFlight).toBe(0)
  await new Promise((resolve) => {
    client.socket.once('readable', resolve)
  })
  await server.close(10_000)
  expect(performance.now() - startedAt).toBeLessThan(5000)
  expect((await client.closed()).length).toBeLessThan(LARGE)
})

it('sends the whole response to a client that pipelines requests before it reads', async () => {
  const server = await startServer(async () => new Response('x'.repeat(LARGE)))
  const client = await openRaw(server.url)
  client.socket.pause()
  client.socket.write(rawRequest('GET /'))
  await expect.poll(() => server.load().inFlight).toBe(0)
  await new Promise((resolve) => {
    client.socket.once('readable', resolve)
  })
  // More than a slice. Node fails in the event loop if its parser gets more while the connection is paused.
  client.socket.write(rawRequest('GET /', { padding: 'x'.repeat(1500) }).repeat(4))
  const other = await openRaw(server.url)
  other.socket.write(rawRequest('GET /', { connection: 'close' }))
  expect((await other.closed()).length).toBeGreaterThan(LARGE)
  expect((await client.closed()).length).toBeGreaterThan(LARGE)
})

it('disconnects a client that sends no body after a request with an upgrade', async () => {
  const server = await startServer(async (request) => new Response(await request.text()))
  const client = await openRaw(server.url)
  client.socket.write(
    rawRequest('POST /', { connection: 'Upgrade', upgrade: 'h2c', 'content-length': '100' }),
  )
  const startedAt = performance.now()
  await client.closed()
  expect(performance.now() - startedAt).toBeLessThan(5000)
})

/** Returns a function that runs the sweep of the server, the only interval that it has. */
function manualSweep(): () => void {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] })
  onTestFinished(() => void vi.useRealTimers())
  return () => void vi.advanceTimersByTime(READ_MS / 8)
}

/** Reads one chunk, then pauses until the next call. */
async function readLittle({ socket }: RawClient): Promise<number> {
  socket.resume()
  const [chunk] = await once(socket, 'data')
  socket.pause()
  return z.instanceof(Buffer).parse(chunk).length
}

it.each(['application/json', 'text/javascript'])(
  'disconnects a client that reads a response of %s a few bytes at a time',
  async (type) => {
    const sweep = manualSweep()
    const headers = { 'content-type': type }
    const sized = { ...headers, 'content-length': String(LARGE) }
    // A response of known length is sent in chunks, and all others in one write.
    const init = { headers: type === 'text/javascript' ? sized : headers }
    const server = await startServer(async () => new Response('x'.repeat(LARGE), init), 10_000)
    const client = await openRaw(server.url)
    client.socket.pause()
    client.socket.write(rawRequest('GET /'))
    let received = await readLittle(client)
    for (let round = 0; round < 9; round += 1) {
      sweep()
      received += await readLittle(client)
    }
    client.socket.resume()
    expect(received + (await client.closed()).length).toBeLessThan(LARGE)
  },
)

it('keeps a client that reads one response after another', async () => {
  const sweep = manualSweep()
  const server = await startServer(async ({ url }) => new Response(`${url} end`), 10_000)
  const client = await openRaw(server.url)
  for (let round = 0; round < 20; round += 1) {
    client.socket.write(rawRequest(`GET /${round}`))
    expect(await client.until(`/${round} end`)).toContain('200 OK')
    sweep()
  }
})

it('keeps a client that reads an event stream', async () => {
  const sweep = manualSweep()
  const events = new TransformStream<Uint8Array, Uint8Array>()
  const headers = { 'content-type': 'text/event-stream' }
  const server = await startServer(async () => new Response(events.readable, { headers }), 10_000)
  const client = await openRaw(server.url)
  client.socket.write(rawRequest('GET /'))
  const writer = events.writable.getWriter()
  for (let round = 0; round < 20; round += 1) {
    await writer.write(new TextEncoder().encode(`data: ${round}\n\n`))
    expect(await client.until(`data: ${round}\n`)).toContain('200 OK')
    sweep()
  }
})
