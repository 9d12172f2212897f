/** A client that stops reading, or reads too slowly, is disconnected, whichever way its response goes. */
import { once } from 'node:events'
import { BlockList } from 'node:net'
import { expect, it, onTestFinished, vi } from 'vitest'
import { z } from 'zod'
import { type ServedGateway, startHttpServer } from '../../src/node/server/http-server.ts'
import { type RawClient, openRaw, rawRequest } from '../kit/raw-client.ts'
import { servedGateway, silentLogger } from '../kit/served-gateway.ts'

const STALLED_MS = 300
const READ_MS = 8000
/** More than the buffers of both ends of a loopback connection hold. */
const LARGE = 16 * 1024 * 1024

async function listenWith(fetch: ServedGateway['fetch'], stalledMs = STALLED_MS) {
  const listener = await startHttpServer({
    host: '127.0.0.1',
    port: 0,
    trustedProxies: new BlockList(),
    patience: { headersMs: 10_000, requestMs: 10_000, stalledMs, readMs: READ_MS },
  })
  onTestFinished(() => listener.close(0))
  listener.serve(servedGateway({ fetch }), silentLogger)
  return listener
}

/** Resolves with whether it was cancelled, once it is over. */
function endless(type: string) {
  let end: ((reason: 'cancelled') => void) | null = null
  const over = new Promise<'cancelled'>((resolve) => {
    end = resolve
  })
  const body = new ReadableStream<Uint8Array>({
    pull: (controller) => controller.enqueue(new Uint8Array(64 * 1024)),
    cancel: () => end?.('cancelled'),
  })
  const headers = { 'content-type': type, 'content-length': String(LARGE * 100) }
  if (type === 'text/event-stream')
    return { over, response: new Response(body, { headers: { 'content-type': type } }) }
  return { over, response: new Response(body, { headers }) }
}

it.each(['text/event-stream', 'text/javascript'])(
  'while a body of %s is sent to it, which is cancelled',
  async (type) => {
    const { over, response } = endless(type)
    const listener = await listenWith(async () => response)
    const client = await openRaw(listener.url)
    client.socket.pause()
    client.socket.write(rawRequest('GET /'))
    expect(await over).toBe('cancelled')
    expect(listener.load().inFlight).toBe(0)
  },
)

it('while a long response waits for it, which was handed over whole', async () => {
  const listener = await listenWith(async () => new Response('x'.repeat(LARGE)))
  const client = await openRaw(listener.url)
  client.socket.pause()
  client.socket.write(rawRequest('GET /'))
  const startedAt = performance.now()
  // Closing waits for what is unfinished: it is finished once the connection is cut off.
  await expect.poll(() => listener.load().inFlight).toBe(0)
  await new Promise((resolve) => {
    client.socket.once('readable', resolve)
  })
  await listener.close(10_000)
  expect(performance.now() - startedAt).toBeLessThan(5000)
  expect((await client.closed()).length).toBeLessThan(LARGE)
})

it('while it sends nothing after its request offered another protocol', async () => {
  const listener = await listenWith(async (request) => new Response(await request.text()))
  const client = await openRaw(listener.url)
  client.socket.write(
    rawRequest('POST /', { connection: 'Upgrade', upgrade: 'h2c', 'content-length': '100' }),
  )
  const startedAt = performance.now()
  await client.closed()
  expect(performance.now() - startedAt).toBeLessThan(5000)
})

/** Returns a function that calls the sweep of the server, which is its only interval while it serves. */
function sweepByHand(): () => void {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] })
  onTestFinished(() => void vi.useRealTimers())
  return () => void vi.advanceTimersByTime(READ_MS / 8)
}

/** Reads a few bytes, and nothing more until the next call. */
async function readLittle({ socket }: RawClient): Promise<number> {
  socket.resume()
  const [chunk] = await once(socket, 'data')
  socket.pause()
  return z.instanceof(Buffer).parse(chunk).length
}

it.each(['application/json', 'text/javascript'])(
  'while it reads a response of %s a few bytes at a time',
  async (type) => {
    const sweep = sweepByHand()
    const headers = { 'content-type': type }
    const sized = { ...headers, 'content-length': String(LARGE) }
    // A response of known length is sent in chunks, and all others in one write.
    const init = { headers: type === 'text/javascript' ? sized : headers }
    const listener = await listenWith(async () => new Response('x'.repeat(LARGE), init), 10_000)
    const client = await openRaw(listener.url)
    client.socket.pause()
    client.socket.write(rawRequest('GET /'))
    let received = await readLittle(client)
    for (let time = 0; time < 9; time += 1) {
      sweep()
      received += await readLittle(client)
    }
    client.socket.resume()
    expect(received + (await client.closed()).length).toBeLessThan(LARGE)
  },
)

it('not while it reads one response after another', async () => {
  const sweep = sweepByHand()
  const listener = await listenWith(async ({ url }) => new Response(`${url} end`), 10_000)
  const client = await openRaw(listener.url)
  for (let time = 0; time < 20; time += 1) {
    client.socket.write(rawRequest(`GET /${time}`))
    expect(await client.until(`/${time} end`)).toContain('200 OK')
    sweep()
  }
})

it('not while it reads an event stream', async () => {
  const sweep = sweepByHand()
  const events = new TransformStream<Uint8Array, Uint8Array>()
  const headers = { 'content-type': 'text/event-stream' }
  const listener = await listenWith(async () => new Response(events.readable, { headers }), 10_000)
  const client = await openRaw(listener.url)
  client.socket.write(rawRequest('GET /'))
  const writer = events.writable.getWriter()
  for (let time = 0; time < 20; time += 1) {
    await writer.write(new TextEncoder().encode(`data: ${time}\n\n`))
    expect(await client.until(`data: ${time}\n`)).toContain('200 OK')
    sweep()
  }
})
