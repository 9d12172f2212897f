/** Requests are counted as in flight only while the gateway works on them, however their connections end. */
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { TEST_SECRET, type TestGateway, startTestGateway, tokenFor } from '../kit/gateway.ts'
import { scrape } from '../kit/metrics.ts'
import { type RawClient, openRaw, rawQuery, rawRequest } from '../kit/raw-client.ts'

const inFlight = async ({ url }: TestGateway): Promise<number> =>
  (await scrape(url)).value('headgate_requests_in_flight')
const subscriptions = async ({ url }: TestGateway): Promise<number> =>
  (await scrape(url)).value('headgate_subscriptions', { transport: 'sse' })

/** Message of the channel `http.server.request.start`. */
function isStart(message: unknown): message is { readonly request: IncomingMessage } {
  return typeof message === 'object' && message !== null && 'request' in message
}

const MINT = 'mutation { createDirectUpload(input: { maxDurationSeconds: 60 }) { __typename } }'

async function open(gateway: TestGateway, count: number): Promise<readonly RawClient[]> {
  return Promise.all(Array.from({ length: count }, () => openRaw(gateway.url)))
}

describe('requests in flight', () => {
  it('are 0 after connections with pipelined requests have closed, and another caller is served', async () => {
    const gateway = await startTestGateway({ AUTH_JWT_SECRET: TEST_SECRET })
    const clients = await open(gateway, 20)
    const bytes = rawRequest('POST /tus', {}, '{}').repeat(60)
    for (const { socket } of clients) socket.write(bytes, () => socket.destroy())
    await Promise.all(clients.map((client) => client.closed()))
    await expect.poll(() => inFlight(gateway)).toBe(0)
    const { status } = await fetch(`${gateway.url}/graphql`, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        authorization: `Bearer ${await tokenFor('ada')}`,
      },
      body: '{"query":"{ uploads { totalCount } }"}',
    })
    expect(status).toBe(200)
    const startedAt = performance.now()
    await gateway.stop()
    expect(performance.now() - startedAt).toBeLessThan(5000)
  })

  it('are 0 while a client leaves a response unread', async () => {
    const gateway = await startTestGateway()
    const clients = await open(gateway, 5)
    const page = rawRequest('GET /graphql?query={__schema{types{name,description}}}')
    for (const { socket } of clients) {
      socket.pause()
      socket.write(page)
    }
    await expect.poll(() => inFlight(gateway)).toBe(0)
  })

  it('are 0 while a client sends a body, and after it has disconnected', async () => {
    const gateway = await startTestGateway()
    const [client] = await open(gateway, 1)
    const head = rawRequest('POST /tus', { 'content-length': '100' })
    client?.socket.write(`${head}half of it`)
    expect(await inFlight(gateway)).toBe(0)
    client?.socket.destroy()
    expect(await inFlight(gateway)).toBe(0)
  })

  it('are 0 after a client disconnects during a request to Stream', async () => {
    const gateway = await startTestGateway()
    await gateway.emulator.fault({ on: 'direct_upload', delayMs: 1000 })
    const [client] = await open(gateway, 1)
    client?.socket.write(rawQuery(MINT))
    await expect.poll(() => inFlight(gateway)).toBe(1)
    client?.socket.destroy()
    await expect.poll(() => inFlight(gateway), { timeout: 500 }).toBe(0)
  })
})

describe('a pipelined request', () => {
  it('is not processed: the response before it closes the connection', async () => {
    const gateway = await startTestGateway()
    await gateway.emulator.fault({ on: 'direct_upload', delayMs: 200 })
    const [client] = await open(gateway, 1)
    client?.socket.write(rawQuery(MINT) + rawQuery(MINT))
    const received = (await client?.closed()) ?? ''
    expect(received.match(/HTTP\/1\.1 200 /g)).toHaveLength(1)
    expect(received).toMatch(/\r\nconnection: close\r\n/i)
    expect((await gateway.emulator.state()).videos).toHaveLength(1)
  })

  it.each([
    ['', {}],
    [' with an unknown expectation', { expect: 'a miracle' }],
    [
      ' with too many headers',
      Object.fromEntries(Array.from({ length: 300 }, (_, index) => [`x${index}`, '1'])),
    ],
  ])('closes its connection if many arrive%s', async (_name, headers) => {
    const gateway = await startTestGateway()
    await gateway.emulator.fault({ on: 'direct_upload', delayMs: 1000 })
    const [client] = await open(gateway, 1)
    client?.socket.write(rawQuery(MINT) + rawRequest('GET /healthz', headers).repeat(2000))
    // Node 24 responds to too many headers by itself.
    expect(await client?.closed()).toMatch(/^(?:HTTP\/1\.1 431 .*)?$/s)
    expect(await inFlight(gateway)).toBe(0)
  })

  it.each([
    ['', 'GET / HTTP/1.1\r\nhost:a\r\n\r\n', 10],
    [' without a Host header', 'GET / HTTP/1.1\r\n\r\n', 10],
    [
      ' that offers an upgrade',
      'GET / HTTP/1.1\r\nhost:a\r\nconnection:upgrade\r\nupgrade:h2c\r\n\r\n',
      10,
    ],
  ])('is not even parsed after its connection was closed%s', async (_name, request, most) => {
    const gateway = await startTestGateway()
    let parsed = 0
    const count = (): void => {
      parsed += 1
    }
    subscribe('http.server.request.start', count)
    onTestFinished(() => void unsubscribe('http.server.request.start', count))
    const [client] = await open(gateway, 1)
    client?.socket.write(request.repeat(2000))
    await client?.closed()
    expect(parsed).toBeLessThan(most)
    expect(await inFlight(gateway)).toBe(0)
  })

  it('without a Host header gets 400, except with HTTP 1.0', async () => {
    const gateway = await startTestGateway()
    const [client, old] = await open(gateway, 2)
    client?.socket.write('GET /healthz HTTP/1.1\r\n\r\n')
    expect(await client?.until('is missing')).toMatch(/^HTTP\/1\.1 400 /)
    old?.socket.write('GET /healthz HTTP/1.0\r\n\r\n')
    expect(await old?.closed()).toMatch(/^HTTP\/1\.1 200 /)
  })

  it('with a body in tiny pieces is not parsed to its end, and ends with its connection', async () => {
    const gateway = await startTestGateway()
    const ended: Promise<unknown>[] = []
    let pieces = 0
    const watch = (message: unknown): void => {
      if (!isStart(message) || message.request.url !== '/graphql') return
      const { request } = message
      ended.push(new Promise((resolve) => request.once('close', resolve)))
      const push = request.push.bind(request)
      request.push = (piece: Buffer | null) => {
        pieces += 1
        return push(piece)
      }
    }
    subscribe('http.server.request.start', watch)
    onTestFinished(() => void unsubscribe('http.server.request.start', watch))
    const [client] = await open(gateway, 1)
    const head = rawRequest('POST /graphql', {
      'content-type': 'application/json',
      'transfer-encoding': 'chunked',
    })
    client?.socket.write(head + '1\r\n.\r\n'.repeat(10_000))
    await client?.closed()
    expect(ended).toHaveLength(1)
    await Promise.all(ended)
    expect(pieces).toBeLessThan(1000)
  })

  it('is not assumed if the response before it was sent completely', async () => {
    const gateway = await startTestGateway()
    const [client] = await open(gateway, 1)
    if (client === undefined) throw new Error('no client')
    for (let index = 0; index < 20; index += 1) {
      client.socket.write(rawQuery(`{ a${index}: __typename }`))
      await client.until(`{"data":{"a${index}":"Query"}}`)
      client.socket.write(rawRequest('HEAD /healthz', { 'x-count': String(index) }))
      await expect
        .poll(() => client.received().match(/HTTP\/1\.1 200 /g)?.length)
        .toBe(2 * index + 2)
    }
  })

  it('is not assumed after a body that arrives after its request was rejected', async () => {
    const gateway = await startTestGateway()
    const [client] = await open(gateway, 1)
    if (client === undefined) throw new Error('no client')
    client.socket.write(rawRequest('PUT /webhooks/stream', { 'content-length': '1000' }))
    await client.until('HTTP/1.1 405 ')
    client.socket.write('x'.repeat(1000))
    expect(await inFlight(gateway)).toBe(0)
    client.socket.write(rawRequest('GET /healthz'))
    expect(await client.until('"alive"')).toContain('HTTP/1.1 200 ')
  })

  it('is not assumed after 100 Continue', async () => {
    const gateway = await startTestGateway()
    const [client] = await open(gateway, 1)
    if (client === undefined) throw new Error('no client')
    const body = '{"query":"{ __typename }"}'
    client.socket.write(
      rawRequest('POST /graphql', {
        'content-type': 'application/json',
        'content-length': String(body.length),
        expect: '100-continue',
      }),
    )
    await client.until('HTTP/1.1 100 Continue')
    client.socket.write(body)
    expect(await client.until('{"data":{"__typename":"Query"}}')).toContain('HTTP/1.1 200 ')
  })
})

describe('an event stream of the fallback', () => {
  it('closes the connection at its end if the client has asked for it', async () => {
    const gateway = await startTestGateway()
    const [client] = await open(gateway, 1)
    if (client === undefined) throw new Error('no client')
    const closed = once(client.socket, 'close')
    const headers = { accept: 'text/event-stream', connection: 'close' }
    client.socket.write(rawQuery('{ __typename }', headers))
    expect(await client.until('event: complete')).toContain('Connection: close')
    await closed
  })

  it('ends immediately when its client disconnects', async () => {
    // Outside of production, Yoga pings often, which would also detect the disconnect.
    vi.stubEnv('NODE_ENV', 'production')
    onTestFinished(() => void vi.unstubAllEnvs())
    const gateway = await startTestGateway()
    const [client] = await open(gateway, 1)
    if (client === undefined) throw new Error('no client')
    client.socket.write(
      rawQuery('subscription { uploadsChanged { uid } }', { accept: 'text/event-stream' }),
    )
    await client.until(':\n\n')
    await expect.poll(() => subscriptions(gateway)).toBe(1)
    client.socket.destroy()
    await expect.poll(() => subscriptions(gateway), { timeout: 1000 }).toBe(0)
  })
})
