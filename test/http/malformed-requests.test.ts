/** Malformed and hostile requests: rejected with a message, without a 5xx and without requests to Stream. */
import { createServer } from 'node:http'
import { connect } from 'node:net'
import { describe, expect, it, onTestFinished } from 'vitest'
import { createClient } from 'graphql-ws'
import { WebSocket } from 'ws'
import { MAX_SUBSCRIPTIONS_PER_CALLER } from '../../src/uploads/ports/watch-registry.ts'
import { TEST_SECRET, type TestGateway, startTestGateway } from '../kit/gateway.ts'
import { listenInTest } from '../kit/listen.ts'

/** Sends raw bytes and returns everything received until the connection closes. */
function sendRaw(gateway: TestGateway, bytes: string): Promise<string> {
  const { hostname, port } = new URL(gateway.url)
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port), hostname, () => socket.end(bytes))
    const chunks: string[] = []
    socket.setEncoding('utf8')
    socket.on('data', (chunk: string) => chunks.push(chunk))
    socket.on('close', () => resolve(chunks.join('')))
    socket.on('error', reject)
  })
}

async function sendQuery(
  gateway: TestGateway,
  query: string,
  variables?: string,
): Promise<Response> {
  const variablesPart = variables === undefined ? '' : `,"variables":${variables}`
  return fetch(`${gateway.url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: `{"query":${JSON.stringify(query)}${variablesPart}}`,
  })
}

describe('hostile input', () => {
  it.each(['[', 'a b[', 'x:99999'])(
    'rejects the Host header %s with 400 and no stack trace',
    async (host) => {
      const gateway = await startTestGateway()
      const response = await sendRaw(
        gateway,
        `GET / HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`,
      )
      expect(response).toMatch(/^HTTP\/1\.1 400 /)
      expect(response).not.toMatch(/at .*\.[jt]s:\d/)
    },
  )

  it.each(['//', '/graphql%', '*', 'http://['])(
    'rejects an upgrade to %s and keeps running',
    async (path) => {
      const gateway = await startTestGateway()
      const response = await sendRaw(
        gateway,
        `GET ${path} HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n`,
      )
      expect(response).toMatch(/^HTTP\/1\.1 4\d\d /)
      expect((await fetch(`${gateway.url}/healthz`)).status).toBe(200)
    },
  )

  it.each(['true', 'false'])(
    'requires a token also for Accept: text/html, with INTROSPECTION=%s',
    async (introspection) => {
      const gateway = await startTestGateway({
        INTROSPECTION: introspection,
        AUTH_JWT_SECRET: TEST_SECRET,
      })
      const response = await fetch(`${gateway.url}/graphql?query={storageUsage{videoCount}}`, {
        headers: { accept: 'text/html' },
      })
      await response.body?.cancel()
      expect(response.status).toBe(introspection === 'true' ? 200 : 401)
      expect((await gateway.emulator.state()).requests['storage_usage']).toBe(0)
    },
  )

  it('rejects subscriptions above the limit per caller with RATE_LIMITED', async () => {
    const gateway = await startTestGateway()
    const client = createClient({
      url: `${gateway.url.replace('http', 'ws')}/graphql`,
      webSocketImpl: WebSocket,
      lazy: false,
    })
    onTestFinished(async () => {
      await client.dispose()
    })
    const query = 'subscription { uploadsChanged { uid } }'
    const errorsReceived: unknown[] = []
    const sink = {
      next: ({ errors }: { readonly errors?: unknown }) => errorsReceived.push(errors),
      error: () => undefined,
      complete: () => undefined,
    }
    for (let opened = 0; opened <= MAX_SUBSCRIPTIONS_PER_CALLER; opened += 1)
      client.subscribe({ query }, sink)
    while (errorsReceived.length === 0) await sendQuery(gateway, '{ __typename }')
    expect(errorsReceived).toMatchObject([[{ extensions: { code: 'RATE_LIMITED' } }]])
  })

  it('rejects documents with too many tokens, deep or wide', async () => {
    const gateway = await startTestGateway()
    for (const query of [
      '{a'.repeat(5000),
      `{${'a:__typename '.repeat(1000)}}`,
      `{x(a:${'['.repeat(5000)}`,
    ]) {
      const response = await sendQuery(gateway, query)
      expect(await response.text()).toContain('tokens')
    }
    expect(gateway.logs.filter((line) => line.level === 'error')).toEqual([])
  })

  it('rejects JSON that is nested too deeply', async () => {
    const gateway = await startTestGateway()
    const deep = `${'{"a":'.repeat(5000)}1${'}'.repeat(5000)}`
    const response = await sendQuery(
      gateway,
      'mutation ($meta: JSONObject) { createDirectUpload(input: { maxDurationSeconds: 1, meta: $meta }) { __typename } }',
      `{"meta":${deep}}`,
    )
    expect(await response.text()).toContain('nested at most 16 levels deep')
    expect(gateway.logs.filter((line) => line.level === 'error')).toEqual([])
  })

  it.each(['variables={bad', 'variables=[1]', 'extensions={bad'])(
    'rejects GET ?%s with 400',
    async (parameter) => {
      const gateway = await startTestGateway()
      const response = await fetch(`${gateway.url}/graphql?query={__typename}&${parameter}`)
      expect(response.status).toBe(400)
      expect(await response.text()).toContain('must be a JSON object')
    },
  )

  it('sends one request to Stream for 50 aliases of the same field', async () => {
    const gateway = await startTestGateway()
    const aliases = Array.from(
      { length: 50 },
      (_, index) => `a${index}: storageUsage { videoCount }`,
    )
    expect((await sendQuery(gateway, `{ ${aliases.join(' ')} }`)).status).toBe(200)
    expect((await gateway.emulator.state()).requests['storage_usage']).toBe(1)
  })

  it('applies the rate limit of the caller to aliases of one request', async () => {
    const gateway = await startTestGateway({ RATE_LIMIT_CREATES: '10' })
    const aliases = Array.from(
      { length: 50 },
      (_, index) =>
        `a${index}: createDirectUpload(input: { maxDurationSeconds: 1 }) { __typename }`,
    )
    const text = await (await sendQuery(gateway, `mutation { ${aliases.join(' ')} }`)).text()
    expect(text.match(/CreateDirectUploadSuccess/g)).toHaveLength(10)
    expect(text.match(/RateLimitedError/g)).toHaveLength(40)
    expect((await gateway.emulator.state()).videos).toHaveLength(10)
  })

  it('ends an invalid operation on a WebSocket but not the connection', async () => {
    const gateway = await startTestGateway()
    const client = createClient({
      url: `${gateway.url.replace('http', 'ws')}/graphql`,
      webSocketImpl: WebSocket,
      lazy: false,
      retryAttempts: 0,
    })
    onTestFinished(async () => {
      await client.dispose()
    })
    let closed = false
    client.on('closed', () => {
      closed = true
    })
    for (const query of ['{ nope', '{ nope }', '{a'.repeat(5000)]) {
      await expect(client.iterate({ query }).next()).rejects.toMatchObject([
        { message: expect.any(String) },
      ])
    }
    expect(await client.iterate({ query: '{ __typename }' }).next()).toMatchObject({
      value: { data: { __typename: 'Query' } },
    })
    expect(closed).toBe(false)
  })
})

describe('an unavailable identity provider', () => {
  it('leads to 503 with Retry-After, because the token may be valid', async () => {
    const provider = createServer((_request, response) => response.writeHead(500).end())
    const { origin } = await listenInTest(provider)
    for (const url of [`${origin}/keys`, 'http://127.0.0.1:1/keys']) {
      const gateway = await startTestGateway({ AUTH_JWKS_URL: url })
      const header = btoa('{"alg":"RS256","kid":"k"}').replaceAll('=', '')
      const response = await fetch(`${gateway.url}/graphql`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', authorization: `Bearer ${header}.e30.x` },
        body: '{"query":"{ __typename }"}',
      })
      expect(response.status).toBe(503)
      expect(response.headers.get('retry-after')).toBe('5')
    }
  })
})
