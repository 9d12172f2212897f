/** Routes, authentication, and what no client should be able to do: bring the emulator down. */
import { describe, expect, test } from 'vitest'

import { startTestEmulator } from '../kit/emulator.ts'
import { openRequest, send, talk } from './kit/raw-request.ts'
import { openStream } from './kit/stream-client.ts'

const API = { authorization: 'Bearer local-token' }

describe('the API', () => {
  test.each([
    ['no token', {}, 'local', 401],
    ['a wrong token', { authorization: 'Bearer wrong' }, 'local', 401],
    ['another scheme', { authorization: 'Basic local-token' }, 'local', 401],
    ['another account', API, 'other', 403],
    [
      'the right ones, whatever the scheme’s case',
      { authorization: 'bearer local-token' },
      'local',
      200,
    ],
  ])(
    'answers %s with its status',
    async (_name, headers: Record<string, string>, account, status) => {
      const emulator = await startTestEmulator()
      const answer = await fetch(`${emulator.apiBaseUrl}/accounts/${account}/stream`, { headers })
      expect(answer.status).toBe(status)
      if (status === 200) return
      expect(await answer.json()).toEqual({
        result: null,
        success: false,
        errors: [{ code: 10_000, message: 'Authentication error' }],
        messages: [],
      })
    },
  )

  test('takes another account and token where it was told so', async () => {
    const emulator = await startTestEmulator({ accountId: 'acc', token: 'secret' })
    expect([emulator.accountId, emulator.token]).toEqual(['acc', 'secret'])
    expect((await openStream(emulator).call('GET', '')).status).toBe(200)
  })

  test.each([
    ['/client/v4/zones'],
    ['/client/v4/accounts/local/images'],
    ['/client/v4/accounts/local/stream/some/thing'],
    ['/client/v5/accounts/local/stream'],
  ])('%s is 404 with 7003', async (path) => {
    const emulator = await startTestEmulator()
    const answer = await fetch(`${emulator.url}${path}`, { headers: API })
    expect(answer.status).toBe(404)
    expect(await answer.json()).toMatchObject({ errors: [{ code: 7003 }], success: false })
  })

  test.each([
    ['PUT', ''],
    ['GET', '/direct_upload'],
    ['POST', '/storage-usage'],
    ['POST', '/webhook'],
    ['PATCH', '/0123'],
    ['OPTIONS', ''],
  ])('%s %s is 405, without CORS', async (method, path) => {
    const stream = openStream(await startTestEmulator())
    const answer = await stream.raw(method, path)
    expect(answer.status).toBe(405)
    expect(answer.headers.get('allow')).not.toBeNull()
    expect(answer.headers.get('access-control-allow-origin')).toBeNull()
  })

  test('refuses JSON that is none, and JSON that is too much', async () => {
    const stream = openStream(await startTestEmulator())
    const broken = await stream.raw('POST', '/direct_upload', { body: '{"maxDur' })
    expect([broken.status, await broken.text()]).toEqual([400, expect.stringContaining('JSON')])
    const body = JSON.stringify({ maxDurationSeconds: 1, meta: { x: 'x'.repeat(2_000_000) } })
    expect((await stream.raw('POST', '/direct_upload', { body })).status).toBe(413)
  })
})

test('the front page says what this is', async () => {
  const emulator = await startTestEmulator()
  const answer = await fetch(emulator.url)
  expect(answer.headers.get('content-type')).toContain('text/plain')
  expect(await answer.text()).toContain(`${emulator.apiBaseUrl}/accounts/local/stream`)
  expect((await fetch(`${emulator.url}/nothing`)).status).toBe(404)
})

test('another public address stands in every link', async () => {
  const emulator = await startTestEmulator({ publicUrl: 'https://stream.example/' })
  const stream = openStream(emulator)
  const { uid, uploadURL } = await stream.mintBasic({ maxDurationSeconds: 1 })
  expect(uploadURL).toBe(`https://stream.example/${uid}`)
  expect((await stream.details(uid)).preview).toBe(`https://stream.example/${uid}/watch`)
})

describe('the emulator stays up', () => {
  test.each([
    ['bytes that are no HTTP', '\u0000\u0001 garbage\r\n\r\n'],
    ['a wrong percent-encoding', 'GET /%E0%A4%A HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n'],
    ['no address', 'GET // HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n'],
    ['another host', 'GET http://[::1/ HTTP/1.1\r\nHost: [\r\nConnection: close\r\n\r\n'],
    ['a NUL in the path', 'GET /tus/%00 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n'],
    ['dots in the path', 'GET /../../etc/passwd HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n'],
    [
      'a length that is none',
      'POST /client/v4/accounts/local/stream/direct_upload HTTP/1.1\r\nHost: x\r\nContent-Length: x\r\n\r\n',
    ],
  ])('after %s', async (_name, text) => {
    const emulator = await startTestEmulator()
    const heard = await talk(emulator.url, text)
    expect(heard).toMatch(/^(HTTP\/1\.1 4\d\d |$)/)
    expect((await fetch(emulator.url)).status).toBe(200)
  })

  test('after clients that hang up in the middle of everything', async () => {
    const emulator = await startTestEmulator()
    const stream = openStream(emulator)
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
      ].map(async ({ line }) => {
        await send(line, new TextEncoder().encode('--x\r\n'))
        line.destroy()
      }),
    )
    expect((await emulator.state()).videos).toHaveLength(2)
  })
})
