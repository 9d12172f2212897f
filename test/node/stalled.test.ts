/** A client that stops reading is cut off, whichever way its response goes. */
import { BlockList } from 'node:net'
import { expect, it, onTestFinished } from 'vitest'
import { type ServedGateway, startHttpServer } from '../../src/node/server/http-server.ts'
import { openRaw, rawRequest } from '../kit/raw-client.ts'

const STALLED_MS = 300
/** More than the buffers of both ends of a loopback connection hold. */
const LARGE = 16 * 1024 * 1024
const silence = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} }

function gatewayThat(fetch: ServedGateway['fetch']): ServedGateway {
  return {
    fetch,
    fastPath: {
      handle: () => null,
      learn: () => {},
      subscribe: () => null,
      learnSubscription: () => {},
    },
    nextRequestId: () => 'one',
    hostResponses: { headers: () => [], record: () => {} },
    webSockets: {
      open: () => ({
        receive: async () => {},
        flushed: () => {},
        closed: () => {},
        idle: async () => {},
      }),
    },
    allowedOrigins: new Set(),
  }
}

async function listenWith(fetch: ServedGateway['fetch']) {
  const listener = await startHttpServer({
    host: '127.0.0.1',
    port: 0,
    trustedProxies: new BlockList(),
    patience: { headersMs: 10_000, requestMs: 10_000, stalledMs: STALLED_MS },
  })
  onTestFinished(() => listener.close(0))
  listener.serve(gatewayThat(fetch), silence)
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
