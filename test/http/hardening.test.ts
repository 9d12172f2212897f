/** What every answer carries, who is answered at all, and how long a client may take. */
import { once } from 'node:events'
import { BlockList, connect } from 'node:net'
import { describe, expect, it, onTestFinished } from 'vitest'
import { z } from 'zod'
import { clientAddress } from '../../src/node/server/client-address.ts'
import { trustProxy } from '../../src/config/trusted-proxies.ts'
import { startHttpServer } from '../../src/node/server/http-server.ts'
import { TEST_SECRET, type TestGateway, startTestGateway } from '../kit/gateway.ts'
import { servedGateway } from '../kit/served-gateway.ts'

/** What the gateway answers to these very bytes, as text, until it closes. */
function sendRaw(url: string, bytes: string, andEnd = true): Promise<string> {
  const { hostname, port } = new URL(url)
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port), hostname, () => {
      if (andEnd) socket.end(bytes)
      else socket.write(bytes)
    })
    const chunks: string[] = []
    socket.setEncoding('utf8')
    socket.on('data', (chunk: string) => chunks.push(chunk))
    socket.on('close', () => resolve(chunks.join('')))
    socket.on('error', reject)
  })
}

const get = (gateway: TestGateway, host: string): Promise<string> =>
  sendRaw(gateway.url, `GET /healthz HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`)

describe('every answer', () => {
  it.each([
    '/',
    '/graphql?query={__typename}',
    '/tus',
    '/webhooks/stream',
    '/healthz',
    '/readyz',
    '/nowhere',
  ])('of %s carries what keeps browsers from making more of it', async (path) => {
    const gateway = await startTestGateway({
      AUTH_DISABLED: 'true',
      PUBLIC_URL: 'https://uploads.example.com',
    })
    const { headers } = await fetch(`${gateway.url}${path}`)
    expect(Object.fromEntries(headers)).toMatchObject({
      'content-security-policy': expect.stringContaining("default-src 'none'"),
      'x-content-type-options': 'nosniff',
      'x-frame-options': 'DENY',
      'referrer-policy': 'no-referrer',
      'cache-control': 'no-store',
      'strict-transport-security': 'max-age=31536000',
    })
    for (const banner of ['server', 'x-powered-by', 'via']) expect(headers.has(banner)).toBe(false)
  })

  it('speaks of TLS only where browsers come by it', async () => {
    const gateway = await startTestGateway()
    expect((await fetch(gateway.url)).headers.has('strict-transport-security')).toBe(false)
  })

  it('of GraphiQL lets its own script run, and nothing be loaded from elsewhere', async () => {
    const gateway = await startTestGateway()
    const { headers } = await fetch(`${gateway.url}/graphql`, {
      headers: { accept: 'text/html' },
    })
    const policy = headers.get('content-security-policy') ?? ''
    expect(policy).toContain("script-src 'self';")
    expect(policy).not.toMatch(/unsafe-eval|https?:|script-src[^;]*unsafe-inline/)
  })
})

describe('a query by GET', () => {
  it.each([
    ['a program', {}, 200],
    ['a page of its own', { 'sec-fetch-site': 'same-origin' }, 200],
    [
      'a page that is let in',
      { origin: 'https://app.example.com', 'sec-fetch-site': 'cross-site' },
      200,
    ],
    ['a picture on any page', { 'sec-fetch-site': 'cross-site' }, 403],
    ['a page next door', { 'sec-fetch-site': 'same-site' }, 403],
    ['a page that is not let in', { origin: 'https://evil.example.com' }, 403],
    ['a page of no origin', { origin: 'null' }, 403],
  ])('from %s is answered accordingly', async (_name, headers, status) => {
    const gateway = await startTestGateway({ ALLOWED_ORIGINS: 'https://app.example.com' })
    const { hostname, port } = new URL(gateway.url)
    const lines = Object.entries({ ...headers, connection: 'close' }).map(
      ([name, value]) => `${name}: ${value}\r\n`,
    )
    const said = await sendRaw(
      gateway.url,
      `GET /graphql?query=%7B__typename%7D HTTP/1.1\r\nHost: ${hostname}:${port}\r\n${lines.join('')}\r\n`,
    )
    expect(said).toMatch(new RegExp(`^HTTP/1.1 ${status} `))
  })
})

describe('events', () => {
  it('are stored by nobody on the way', async () => {
    const gateway = await startTestGateway()
    const response = await fetch(`${gateway.url}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', accept: 'text/event-stream' },
      body: '{"query":"subscription { uploadsChanged { uploadURL } }"}',
    })
    expect(response.headers.get('cache-control')).toBe('no-store, no-transform')
    await response.body?.cancel()
  })
})

describe('a gateway without tokens', () => {
  it.each([
    ['localhost', 200],
    ['localhost:5173', 200],
    ['app.localhost', 200],
    ['127.0.0.1', 200],
    ['[::1]', 200],
    ['uploads.example.com', 200],
    ['headgate', 200],
    ['192.168.1.2:4000', 200],
    ['evil.example.com', 421],
    ['localhost.evil.example.com', 421],
    ['127.0.0.1.evil.example.com', 421],
  ])('answers %s with %i', async (host, status) => {
    const gateway = await startTestGateway({
      AUTH_DISABLED: 'true',
      PUBLIC_URL: 'https://uploads.example.com',
    })
    expect(await get(gateway, host)).toMatch(new RegExp(`^HTTP/1.1 ${status} `))
  })

  it('asks for no name where it asks for tokens', async () => {
    const gateway = await startTestGateway({ AUTH_JWT_SECRET: TEST_SECRET })
    expect(await get(gateway, 'anything.example.com')).toMatch(/^HTTP\/1.1 200 /)
  })
})

async function echo(request: Request): Promise<Response> {
  return new Response(await request.text())
}

const silence = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} }

describe('a client that is slow, or sends too much', () => {
  const backoff = { headersMs: 100, requestMs: 200, stalledMs: 10_000, readMs: 10_000 }

  it.each([
    ['half a header', 'GET / HTTP/1.1\r\nHost: x\r\nX-Slow: '],
    ['half a body', 'POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nhalf'],
    ['nothing', ''],
  ])('of %s is cut off with a 408', async (_name, bytes) => {
    const listener = await startHttpServer({
      host: '127.0.0.1',
      port: 0,
      trustedProxies: new BlockList(),
      patience: backoff,
    })
    onTestFinished(() => listener.close(0))
    // A door that wants all of the body, as GraphQL's does.
    listener.serve(servedGateway({ fetch: echo }), silence)
    expect(await sendRaw(listener.url, bytes, false)).toMatch(/^HTTP\/1.1 408 /)
  })

  const length = 'Content-Length: 100000\r\n\r\n{'
  const chunks = `Transfer-Encoding: chunked\r\n\r\n11170\r\n${' '.repeat(70_000)}\r\n`
  it.each([
    ['too long', 'POST /graphql', length, 413],
    ['too long, without saying so', 'POST /graphql', chunks, 413],
    ['for nobody', 'POST /nowhere', length, 404],
    ['not to be sent so', 'PUT /webhooks/stream', length, 405],
  ])('of a body that is %s is not waited for at the end', async (_why, to, body, status) => {
    const gateway = await startTestGateway()
    const { hostname, port } = new URL(gateway.url)
    const socket = connect(Number(port), hostname)
    onTestFinished(() => void socket.destroy())
    socket.on('error', () => undefined)
    const headers = 'Host: localhost\r\nContent-Type: application/json'
    socket.write(`${to} HTTP/1.1\r\n${headers}\r\n${body}`)
    const [answer]: unknown[] = await once(socket, 'data')
    expect(String(answer)).toContain(`HTTP/1.1 ${status} `)
    const startedAt = performance.now()
    await gateway.stop()
    expect(performance.now() - startedAt).toBeLessThan(3000)
  })

  it('of headers is refused with a 431', async () => {
    const gateway = await startTestGateway()
    const flood = `GET / HTTP/1.1\r\nHost: localhost\r\nX-Big: ${'x'.repeat(30_000)}\r\n\r\n`
    expect(await sendRaw(gateway.url, flood)).toMatch(/^HTTP\/1.1 431 /)
  })
})

describe('the address of a client', () => {
  const proxies = new BlockList()
  for (const proxy of ['10.0.0.0/8', '127.0.0.1', 'fd00::/8']) trustProxy(proxies, proxy)

  it.each([
    ['203.0.113.9', undefined, '203.0.113.9'],
    ['203.0.113.9', '1.2.3.4', '203.0.113.9'],
    ['10.1.2.3', '198.51.100.7', '198.51.100.7'],
    ['10.1.2.3', '6.6.6.6, 198.51.100.7', '198.51.100.7'],
    ['127.0.0.1', '6.6.6.6, 198.51.100.7, 10.9.9.9', '198.51.100.7'],
    ['::ffff:10.1.2.3', '198.51.100.7', '198.51.100.7'],
    ['fd00::1', '2001:db8::7', '2001:db8::7'],
    ['10.1.2.3', 'unknown', '10.1.2.3'],
    ['10.1.2.3', undefined, '10.1.2.3'],
    [undefined, undefined, null],
  ])('of peer %s, forwarded for %s, is %s', (peer, forwardedFor, address) => {
    expect(clientAddress(peer, forwardedFor, proxies)).toBe(address)
  })

  it.each(['10.0.0.0/33', 'fd00::/129', 'proxy.example.com', '10.0.0.0/8/8', '', '10.0.0.0/'])(
    'cannot come by a proxy written %j',
    (text) => {
      expect(trustProxy(new BlockList(), text)).toBe(false)
    },
  )

  it('stands in the log beside what was refused, and nothing else of the request does', async () => {
    const gateway = await startTestGateway({
      AUTH_JWT_SECRET: TEST_SECRET,
      TRUSTED_PROXIES: '127.0.0.1',
    })
    await fetch(`${gateway.url}/graphql?query={secret}`, {
      headers: { 'x-forwarded-for': '198.51.100.7' },
    })
    expect(gateway.logs).toContainEqual({
      level: 'info',
      message: 'request rejected',
      fields: {
        requestId: expect.any(String),
        method: 'GET',
        path: '/graphql',
        status: 401,
        durationMs: expect.any(Number),
        clientAddress: '198.51.100.7',
      },
    })
    expect(JSON.stringify(gateway.logs)).not.toContain('{secret}')
  })
})

describe('a method that is for nobody here', () => {
  it.each(['TRACE', 'PUT', 'DELETE', 'PROPFIND'])(
    '%s is refused, and no failure',
    async (method) => {
      const gateway = await startTestGateway()
      const { hostname, port } = new URL(gateway.url)
      const socket = connect(Number(port), hostname)
      socket.write(`${method} /graphql HTTP/1.1\r\nHost: ${hostname}\r\nContent-Type: \r\n\r\n`)
      const [answer] = z.tuple([z.instanceof(Buffer)]).parse(await once(socket, 'data'))
      socket.destroy()
      expect(answer.toString()).toMatch(/^HTTP\/1\.1 40[05] /)
      expect(gateway.logs.filter(({ level }) => level === 'error')).toEqual([])
    },
  )
})
