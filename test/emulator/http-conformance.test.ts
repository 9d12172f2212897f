/** Routes, authentication, and malformed requests that must not stop the emulator. */
import { describe, expect, test } from 'vitest'

import { startTestEmulator } from '../kit/emulator.ts'
import { openRaw } from '../kit/raw-client.ts'
import { openRequest, writeBytes, sendRawText } from './kit/raw-request.ts'
import { createStreamClient } from './kit/stream-client.ts'

const API = { authorization: 'Bearer local-token' }

describe('the API', () => {
  test.each([
    ['no token', {}, 'local', 401],
    ['a wrong token', { authorization: 'Bearer wrong' }, 'local', 401],
    ['another scheme', { authorization: 'Basic local-token' }, 'local', 401],
    ['another account', API, 'other', 403],
    [
      'the valid token and account, with a lower-case scheme',
      { authorization: 'bearer local-token' },
      'local',
      200,
    ],
  ])(
    'responds to %s with the expected status',
    async (_name, headers: Record<string, string>, account, status) => {
      const emulator = await startTestEmulator()
      const response = await fetch(`${emulator.apiBaseUrl}/accounts/${account}/stream`, { headers })
      expect(response.status).toBe(status)
      if (status === 200) return
      expect(await response.json()).toEqual({
        result: null,
        success: false,
        errors: [{ code: 10_000, message: 'Authentication error' }],
        messages: [],
      })
    },
  )

  test.each([
    [200, 200],
    [201, 431],
    // Node 24 rejects them by itself.
    [202, 431],
    [2000, 431],
  ])('responds to a request with %i headers with %i', async (count, status) => {
    const emulator = await startTestEmulator()
    const { pathname } = new URL(`${emulator.apiBaseUrl}/accounts/local/stream`)
    const client = await openRaw(emulator.url)
    client.socket.write(
      `GET ${pathname} HTTP/1.1\r\nHost: 127.0.0.1\r\n${'a:1\r\n'.repeat(count - 2)}Authorization: Bearer local-token\r\n\r\n`,
    )
    expect(await client.until('\r\n\r\n')).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `))
  })

  test('processes no body of a request with too many headers as another request', async () => {
    const emulator = await startTestEmulator()
    const client = await openRaw(emulator.url)
    const inner = 'GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n'
    client.socket.write(
      `POST / HTTP/1.1\r\nHost: 127.0.0.1\r\n${'a:1\r\n'.repeat(300)}Content-Length: ${inner.length}\r\n\r\n${inner}`,
    )
    expect((await client.closed()).match(/HTTP\/1\.1 \d+/g)).toEqual(['HTTP/1.1 431'])
  })

  test('accepts a configured account and token', async () => {
    const emulator = await startTestEmulator({ accountId: 'acc', token: 'secret' })
    expect([emulator.accountId, emulator.token]).toEqual(['acc', 'secret'])
    expect((await createStreamClient(emulator).call('GET', '')).status).toBe(200)
  })

  test.each([
    ['/client/v4/zones'],
    ['/client/v4/accounts/local/images'],
    ['/client/v4/accounts/local/stream/some/thing'],
    ['/client/v5/accounts/local/stream'],
  ])('responds to %s with 404 and code 7003', async (path) => {
    const emulator = await startTestEmulator()
    const response = await fetch(`${emulator.url}${path}`, { headers: API })
    expect(response.status).toBe(404)
    expect(await response.json()).toMatchObject({ errors: [{ code: 7003 }], success: false })
  })

  test.each([
    ['PUT', ''],
    ['GET', '/direct_upload'],
    ['POST', '/storage-usage'],
    ['POST', '/webhook'],
    ['PATCH', '/0123'],
    ['OPTIONS', ''],
  ])('responds to %s %s with 405 and no CORS headers', async (method, path) => {
    const stream = createStreamClient(await startTestEmulator())
    const response = await stream.raw(method, path)
    expect(response.status).toBe(405)
    expect(response.headers.get('allow')).not.toBeNull()
    expect(response.headers.get('access-control-allow-origin')).toBeNull()
  })

  test('rejects malformed JSON with 400 and too large JSON with 413', async () => {
    const stream = createStreamClient(await startTestEmulator())
    const broken = await stream.raw('POST', '/direct_upload', { body: '{"maxDur' })
    expect([broken.status, await broken.text()]).toEqual([400, expect.stringContaining('JSON')])
    const body = JSON.stringify({ maxDurationSeconds: 1, meta: { x: 'x'.repeat(2_000_000) } })
    expect((await stream.raw('POST', '/direct_upload', { body })).status).toBe(413)
  })
})

test('the root page lists the API', async () => {
  const emulator = await startTestEmulator()
  const response = await fetch(emulator.url)
  expect(response.headers.get('content-type')).toContain('text/plain')
  expect(await response.text()).toContain(`${emulator.apiBaseUrl}/accounts/local/stream`)
  expect((await fetch(`${emulator.url}/nothing`)).status).toBe(404)
})

test('a configured public URL is used in every link', async () => {
  const emulator = await startTestEmulator({ publicUrl: 'https://stream.example/' })
  const stream = createStreamClient(emulator)
  const { uid, uploadURL } = await stream.mintBasic({ maxDurationSeconds: 1 })
  expect(uploadURL).toBe(`https://stream.example/${uid}`)
  expect((await stream.details(uid)).preview).toBe(`https://stream.example/${uid}/watch`)
})

describe('the emulator keeps running', () => {
  test.each([
    ['bytes that are not HTTP', '\u0000\u0001 garbage\r\n\r\n'],
    [
      'an invalid percent-encoding',
      'GET /%E0%A4%A HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n',
    ],
    ['an empty host', 'GET // HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n'],
    ['a malformed host', 'GET http://[::1/ HTTP/1.1\r\nHost: [\r\nConnection: close\r\n\r\n'],
    ['a NUL in the path', 'GET /tus/%00 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n'],
    ['dots in the path', 'GET /../../etc/passwd HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n'],
    [
      'an invalid Content-Length',
      'POST /client/v4/accounts/local/stream/direct_upload HTTP/1.1\r\nHost: x\r\nContent-Length: x\r\n\r\n',
    ],
  ])('after %s', async (_name, text) => {
    const emulator = await startTestEmulator()
    const received = await sendRawText(emulator.url, text)
    expect(received).toMatch(/^(HTTP\/1\.1 4\d\d |$)/)
    expect((await fetch(emulator.url)).status).toBe(200)
  })

  test('after clients that disconnect during every kind of body', async () => {
    const emulator = await startTestEmulator()
    const stream = createStreamClient(emulator)
    const basic = await stream.mintBasic({ maxDurationSeconds: 60 })
    const tus = await stream.mintTus(6_000_000)
    const api = `${emulator.apiBaseUrl}/accounts/local/stream`
    await Promise.all(
      [
        openRequest(`${api}/direct_upload`, 'POST', { ...API, 'content-length': '1000' }),
        openRequest(`${api}/webhook`, 'PUT', { ...API, 'content-length': '1000' }),
        openRequest(`${emulator.url}/__emulator/faults`, 'POST', { 'content-length': '1000' }),
        openRequest(tus.uploadURL, 'PATCH', { 'content-length': '1000' }),
        openRequest(basic.uploadURL, 'POST', {
          'content-type': 'multipart/form-data; boundary=x',
          'content-length': '1000',
        }),
      ].map(async ({ request }) => {
        await writeBytes(request, new TextEncoder().encode('--x\r\n'))
        request.destroy()
      }),
    )
    expect((await emulator.state()).videos).toHaveLength(2)
  })
})
