/** Request bodies over raw TCP: pieces, the rest of a body after its response, and the budget of all bodies. */
import { createHmac } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { TEST_SECRET, type TestGateway, startTestGateway, tokenFor } from '../kit/gateway.ts'
import { type RawClient, openRaw, rawQuery, rawRequest } from '../kit/raw-client.ts'

const SECRET = 'a secret of this test'
const CHUNKED = { 'transfer-encoding': 'chunked', 'content-type': 'application/json' }
const BODY = JSON.stringify({ uid: '0'.repeat(32), pad: 'x'.repeat(200_000) })

function signatureOf(body: string): Readonly<Record<string, string>> {
  const time = Math.floor(Date.now() / 1000)
  const digest = createHmac('sha256', SECRET).update(`${time}.${body}`).digest('hex')
  return { 'webhook-signature': `time=${time},sig1=${digest}` }
}

const start = (): Promise<TestGateway> =>
  startTestGateway({ STREAM_WEBHOOK_SECRET: SECRET, AUTH_JWT_SECRET: TEST_SECRET })

const MINT = 'mutation { createDirectUpload(input: { maxDurationSeconds: 60 }) { __typename } }'

const chunk = (text: string): string => `${text.length.toString(16)}\r\n${text}\r\n`

/** All chunks of a body, each of this many bytes. */
function chunks(body: string, bytes: number): string {
  const pieces: string[] = []
  for (let at = 0; at < body.length; at += bytes) pieces.push(chunk(body.slice(at, at + bytes)))
  return pieces.join('')
}

describe('a body of one-byte chunks that never ends', () => {
  it.each([
    ['a webhook with a signature', 'POST /webhooks/stream', signatureOf('')],
    ['a webhook without a signature', 'POST /webhooks/stream', {}],
    ['GraphQL', 'POST /graphql', {}],
    ['a GraphQL query by GET', 'GET /graphql?query={__typename}', {}],
    ['a tus creation', 'POST /tus', {}],
    ['an unknown path', 'POST /nowhere', {}],
    ['the liveness endpoint', 'GET /healthz', {}],
    ['an unknown expectation', 'POST /graphql', { expect: 'something' }],
  ])('closes the connection of %s', async (_name, line, headers) => {
    const gateway = await start()
    const client = await openRaw(gateway.url)
    client.socket.write(rawRequest(line, { ...CHUNKED, ...headers }))
    client.socket.write(chunk(' ').repeat(5000))
    expect(await closedWithin(client, 5000)).toBe(true)
  })

  it('closes the connection of a GraphQL operation with a valid token', async () => {
    const gateway = await start()
    const authorization = `Bearer ${await tokenFor('ada')}`
    const client = await openRaw(gateway.url)
    client.socket.write(rawRequest('POST /graphql', { ...CHUNKED, authorization }))
    client.socket.write(chunk(' ').repeat(5000))
    expect(await closedWithin(client, 5000)).toBe(true)
    expect(client.received()).toBe('')
  })

  it('closes the connection of a pipelined request', async () => {
    const gateway = await start()
    await gateway.emulator.fault({ on: 'direct_upload', delayMs: 1000 })
    const authorization = `Bearer ${await tokenFor('ada')}`
    const client = await openRaw(gateway.url)
    client.socket.write(rawQuery(MINT, { authorization }) + rawRequest('POST /nowhere', CHUNKED))
    client.socket.write(chunk(' ').repeat(5000))
    expect(await closedWithin(client, 5000)).toBe(true)
    expect(client.received()).toBe('')
  })
})

/** Resolves with false if the connection is still open after this time. */
async function closedWithin(client: RawClient, ms: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined
  const timedOut = new Promise<boolean>((resolve) => {
    timer = setTimeout(() => resolve(false), ms)
  })
  const isClosed = await Promise.race([client.closed().then(() => true), timedOut])
  clearTimeout(timer)
  return isClosed
}

describe('a body in many pieces', () => {
  it.each([
    ['1,000 chunks', chunks(BODY, 200)],
    ['few chunks', chunks(BODY, 50_000)],
  ])('is accepted in %s', async (_name, body) => {
    const gateway = await start()
    const client = await openRaw(gateway.url)
    client.socket.write(
      rawRequest('POST /webhooks/stream', { ...CHUNKED, ...signatureOf(BODY) }) + body,
    )
    client.socket.write('0\r\n\r\n')
    expect(await client.until('HTTP/1.1 ')).toMatch(/^HTTP\/1.1 200 /)
  })

  it('is accepted with a declared length, byte by byte', async () => {
    const gateway = await start()
    const client = await openRaw(gateway.url)
    const body = '{"query":"{ __typename }"}'
    client.socket.write(
      rawRequest('POST /graphql', {
        'content-type': 'application/json',
        'content-length': String(body.length),
        authorization: `Bearer ${await tokenFor('ada')}`,
      }),
    )
    for (const character of body) {
      await new Promise<void>((resolve) => client.socket.write(character, () => resolve()))
    }
    expect(await client.until('"Query"')).toMatch(/^HTTP\/1.1 200 /)
  })

  it('is counted for each request, and not for a connection', async () => {
    const gateway = await start()
    const client = await openRaw(gateway.url)
    for (let count = 1; count <= 20; count += 1) {
      const body = JSON.stringify({ uid: '0'.repeat(32), count, pad: 'x'.repeat(100) })
      client.socket.write(rawRequest('POST /webhooks/stream', { ...CHUNKED, ...signatureOf(body) }))
      client.socket.write(`${chunks(body, 1)}0\r\n\r\n`)
      await client.until('HTTP/1.1 ')
      await expect.poll(() => client.received().match(/HTTP\/1\.1 200 /g)?.length).toBe(count)
    }
  })
})

describe('a response before the body has ended', () => {
  it.each([
    ['a missing', {}, 'missing Webhook-Signature'],
    ['a malformed', { 'webhook-signature': 'x' }, 'malformed Webhook-Signature'],
  ])('is 401 for a webhook with %s signature', async (_name, headers, reason) => {
    const gateway = await start()
    const client = await openRaw(gateway.url)
    client.socket.write(
      rawRequest('POST /webhooks/stream', { 'content-length': '200000', ...headers }, '{'),
    )
    const received = await client.until(reason)
    expect(received).toMatch(/^HTTP\/1.1 401 /)
  })

  it('closes the connection if the rest of the body does not follow', async () => {
    const gateway = await start()
    const client = await openRaw(gateway.url)
    client.socket.write(rawRequest('POST /nowhere', { 'content-length': '200000' }, '{'))
    await client.until('HTTP/1.1 404 ')
    expect(await closedWithin(client, 5000)).toBe(true)
  })

  it('is followed by further ones if the rest arrives soon', async () => {
    const gateway = await start()
    const client = await openRaw(gateway.url)
    client.socket.write(rawRequest('POST /nowhere', { 'content-length': '200000' }))
    await client.until('HTTP/1.1 404 ')
    client.socket.write('x'.repeat(200_000))
    client.socket.write(rawRequest('GET /healthz'))
    expect(await client.until('"alive"')).toContain('HTTP/1.1 200 ')
  })
})

describe('unfinished bodies', () => {
  it('have 64 MiB together: the largest are disconnected', async () => {
    const gateway = await start()
    const bytes = 256 * 1024
    const signature = signatureOf(BODY)
    const small = await openRaw(gateway.url)
    const smallBody = JSON.stringify({ uid: '0'.repeat(32), pad: 'x'.repeat(1000) })
    const smallRequest = rawRequest('POST /webhooks/stream', signatureOf(smallBody), smallBody)
    small.socket.write(smallRequest.slice(0, -1))
    const request = rawRequest(
      'POST /webhooks/stream',
      { ...signature, 'content-length': String(bytes) },
      'x'.repeat(bytes - 1),
    )
    let closed = 0
    const clients: RawClient[] = []
    for (let index = 0; index < 300; index += 1) {
      const client = await openRaw(gateway.url)
      client.socket.once('close', () => {
        closed += 1
      })
      client.socket.resume()
      client.socket.write(request)
      clients.push(client)
    }
    await expect.poll(() => closed, { timeout: 10_000 }).toBeGreaterThan(40)
    expect(closed).toBeLessThan(150)
    small.socket.write(smallRequest.slice(-1))
    expect(await small.until('HTTP/1.1 ')).toMatch(/^HTTP\/1.1 200 /)
  })
})
