/** Security headers, host and origin checks, and timeouts of slow clients. */
import { once } from 'node:events'
import { BlockList, connect } from 'node:net'
import { describe, expect, it, onTestFinished } from 'vitest'
import { z } from 'zod'
import { clientAddress } from '../../src/node/server/client-address.ts'
import { trustProxy } from '../../src/config/trusted-proxies.ts'
import { startHttpServer } from '../../src/node/server/http-server.ts'
import { TEST_SECRET, tokenFor, type TestGateway, startTestGateway } from '../kit/gateway.ts'
import { servedGateway } from '../kit/served-gateway.ts'

/** Sends raw bytes and returns everything received until the connection closes. */
function sendRaw(url: string, bytes: string, endAfterSend = true): Promise<string> {
  const { hostname, port } = new URL(url)
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port), hostname, () => {
      if (endAfterSend) socket.end(bytes)
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

describe('every response', () => {
  it.each([
    '/',
    '/graphql?query={__typename}',
    '/tus',
    '/webhooks/stream',
    '/healthz',
    '/readyz',
    '/nowhere',
  ])('to %s has the security headers', async (path) => {
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

  it('has Strict-Transport-Security only if PUBLIC_URL is https', async () => {
    const gateway = await startTestGateway()
    expect((await fetch(gateway.url)).headers.has('strict-transport-security')).toBe(false)
  })

  it('for the GraphiQL page allows only scripts of the gateway', async () => {
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
    ['a client that is not a browser', {}, 200],
    ['a page of the gateway', { 'sec-fetch-site': 'same-origin' }, 200],
    [
      'a page of an allowed origin',
      { origin: 'https://app.example.com', 'sec-fetch-site': 'cross-site' },
      200,
    ],
    ['a cross-site image', { 'sec-fetch-site': 'cross-site' }, 403],
    ['a same-site page of another origin', { 'sec-fetch-site': 'same-site' }, 403],
    ['a page of another origin', { origin: 'https://evil.example.com' }, 403],
    ['a page of an opaque origin', { origin: 'null' }, 403],
  ])('from %s with the headers %j receives a %i', async (_name, headers, status) => {
    const gateway = await startTestGateway({ ALLOWED_ORIGINS: 'https://app.example.com' })
    const { hostname, port } = new URL(gateway.url)
    const lines = Object.entries({ ...headers, connection: 'close' }).map(
      ([name, value]) => `${name}: ${value}\r\n`,
    )
    const response = await sendRaw(
      gateway.url,
      `GET /graphql?query=%7B__typename%7D HTTP/1.1\r\nHost: ${hostname}:${port}\r\n${lines.join('')}\r\n`,
    )
    expect(response).toMatch(new RegExp(`^HTTP/1.1 ${status} `))
  })
})

describe('server-sent events', () => {
  it('must not be stored or transformed by proxies', async () => {
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

describe('a gateway with authentication disabled', () => {
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
  ])('responds to the host %s with %i', async (host, status) => {
    const gateway = await startTestGateway({
      AUTH_DISABLED: 'true',
      PUBLIC_URL: 'https://uploads.example.com',
    })
    expect(await get(gateway, host)).toMatch(new RegExp(`^HTTP/1.1 ${status} `))
  })

  it('accepts any host if authentication is enabled', async () => {
    const gateway = await startTestGateway({ AUTH_JWT_SECRET: TEST_SECRET })
    expect(await get(gateway, 'anything.example.com')).toMatch(/^HTTP\/1.1 200 /)
  })

  it.each(['a@b', 'a:b@c', 'a:@c', ':b@c', 'a@b:80', 'a b', '['])(
    'responds 400 to the malformed host %s, however its body is sent',
    async (host) => {
      const gateway = await startTestGateway({ AUTH_JWT_SECRET: TEST_SECRET })
      const authorization = `Bearer ${await tokenFor('ada')}`
      const head = `POST /graphql HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\nContent-Type: application/json\r\nAuthorization: ${authorization}\r\n`
      const chunked =
        'Transfer-Encoding: chunked\r\n\r\n18\r\n{"query":"{__typename}"}\r\n0\r\n\r\n'
      const whole = 'Content-Length: 24\r\n\r\n{"query":"{__typename}"}'
      for (const rest of [chunked, whole]) {
        expect(await sendRaw(gateway.url, head + rest)).toMatch(/^HTTP\/1.1 400 /)
      }
    },
  )
})

async function echo(request: Request): Promise<Response> {
  return new Response(await request.text())
}

const silentLog = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} }

describe('a client that is slow or sends too much', () => {
  const backoff = {
    headersMs: 100,
    requestMs: 200,
    stalledMs: 10_000,
    readMs: 10_000,
    shutdownMs: 3000,
  }

  it.each([
    ['half a header', 'GET / HTTP/1.1\r\nHost: x\r\nX-Slow: '],
    ['half a body', 'POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nhalf'],
    ['nothing', ''],
  ])('receives a 408 after sending only %s', async (_name, bytes) => {
    const listener = await startHttpServer({
      host: '127.0.0.1',
      port: 0,
      trustedProxies: new BlockList(),
      timeouts: backoff,
    })
    onTestFinished(() => listener.close(0))
    // Reads the complete body, as the GraphQL endpoint does.
    listener.serve(servedGateway({ fetch: echo }), silentLog)
    expect(await sendRaw(listener.url, bytes, false)).toMatch(/^HTTP\/1.1 408 /)
  })

  const length = 'Content-Length: 100000\r\n\r\n{'
  const chunks = `Transfer-Encoding: chunked\r\n\r\n11170\r\n${' '.repeat(70_000)}\r\n`
  it.each([
    ['too long', 'POST /graphql', length, 413],
    ['too long without a declared length', 'POST /graphql', chunks, 413],
    ['for an unknown path', 'POST /nowhere', length, 404],
    ['sent with a wrong method', 'PUT /webhooks/stream', length, 405],
  ])(
    'does not delay shutdown with a body that is %s',
    async (_reason, requestLine, body, status) => {
      const gateway = await startTestGateway()
      const { hostname, port } = new URL(gateway.url)
      const socket = connect(Number(port), hostname)
      onTestFinished(() => void socket.destroy())
      socket.on('error', () => undefined)
      const headers = 'Host: localhost\r\nContent-Type: application/json'
      socket.write(`${requestLine} HTTP/1.1\r\n${headers}\r\n${body}`)
      const [firstChunk]: unknown[] = await once(socket, 'data')
      expect(String(firstChunk)).toContain(`HTTP/1.1 ${status} `)
      const startedAt = performance.now()
      await gateway.stop()
      expect(performance.now() - startedAt).toBeLessThan(3000)
    },
  )

  it('receives a 431 for headers that are too large', async () => {
    const gateway = await startTestGateway()
    const headerFlood = `GET / HTTP/1.1\r\nHost: localhost\r\nX-Big: ${'x'.repeat(30_000)}\r\n\r\n`
    expect(await sendRaw(gateway.url, headerFlood)).toMatch(/^HTTP\/1.1 431 /)
  })
})

describe('the client address', () => {
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
  ])('for peer %s, forwarded for %s, is %s', (peer, forwardedFor, address) => {
    expect(clientAddress(peer, forwardedFor, proxies)).toBe(address)
  })

  it.each(['10.0.0.0/33', 'fd00::/129', 'proxy.example.com', '10.0.0.0/8/8', '', '10.0.0.0/'])(
    'does not accept %j as a trusted proxy',
    (text) => {
      expect(trustProxy(new BlockList(), text)).toBe(false)
    },
  )

  it('is logged for a rejected request, without the query string', async () => {
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

describe('an unsupported method', () => {
  it.each(['TRACE', 'PUT', 'DELETE', 'PROPFIND'])(
    '%s is rejected without an error in the log',
    async (method) => {
      const gateway = await startTestGateway()
      const { hostname, port } = new URL(gateway.url)
      const socket = connect(Number(port), hostname)
      socket.write(`${method} /graphql HTTP/1.1\r\nHost: ${hostname}\r\nContent-Type: \r\n\r\n`)
      const [firstChunk] = z.tuple([z.instanceof(Buffer)]).parse(await once(socket, 'data'))
      socket.destroy()
      expect(firstChunk.toString()).toMatch(/^HTTP\/1\.1 40[05] /)
      expect(gateway.logs.filter(({ level }) => level === 'error')).toEqual([])
    },
  )
})

it('logs at most 300 characters of a foreign origin', async () => {
  const gateway = await startTestGateway()
  for (const path of ['/graphql', '/tus']) {
    const response = await fetch(`${gateway.url}${path}`, {
      method: 'OPTIONS',
      headers: {
        origin: `https://${'eyJ-'.repeat(5000)}`,
        'access-control-request-method': 'POST',
      },
    })
    expect(response.status).toBe(204)
  }
  const lines = gateway.logs.filter(({ message }) => message.includes('not in ALLOWED_ORIGINS'))
  expect(lines).toHaveLength(2)
  for (const { fields } of lines) expect(JSON.stringify(fields).length).toBeLessThan(400)
})
