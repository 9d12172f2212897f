/** What a page of another site may do to an emulator on this machine: upload and play, nothing else. */
import { describe, expect, test } from 'vitest'

import { startTestEmulator } from '../kit/emulator.ts'
import { openRequest, talk, type RawAnswer } from './kit/raw-request.ts'
import { openStream } from './kit/stream-client.ts'

const API = '/client/v4/accounts/local/stream'
const TOKEN = { authorization: 'Bearer local-token' }
const JSON_TYPE = { 'content-type': 'application/json' }

type Headers = Readonly<Record<string, string>>
interface Call {
  readonly method: string
  readonly path: string
  readonly headers?: Headers
  readonly body?: string
}

async function send(url: string, { method, path, headers = {}, body = '' }: Call, more: Headers) {
  const length: Headers = body === '' ? {} : { 'content-length': String(Buffer.byteLength(body)) }
  const { line, answer } = openRequest(`${url}${path}`, method, { ...length, ...headers, ...more })
  line.end(body)
  return answer
}

/** Every call that reads or changes something, as a developer's tools send it. */
const calls: readonly (readonly [string, Call])[] = [
  ['GET state', { method: 'GET', path: '/__emulator/state' }],
  ['GET faults', { method: 'GET', path: '/__emulator/faults' }],
  ['DELETE faults', { method: 'DELETE', path: '/__emulator/faults' }],
  ['POST reset', { method: 'POST', path: '/__emulator/reset' }],
  [
    'POST faults',
    {
      method: 'POST',
      path: '/__emulator/faults',
      headers: JSON_TYPE,
      body: '{"on":"list","status":500}',
    },
  ],
  [
    'POST clock',
    {
      method: 'POST',
      path: '/__emulator/clock',
      headers: { 'content-type': 'application/json; charset=utf-8' },
      body: '{"advanceSeconds":1}',
    },
  ],
  ['list', { method: 'GET', path: API, headers: TOKEN }],
  ['storage usage', { method: 'GET', path: `${API}/storage-usage`, headers: TOKEN }],
  ['webhook', { method: 'GET', path: `${API}/webhook`, headers: TOKEN }],
  [
    'direct upload',
    {
      method: 'POST',
      path: `${API}/direct_upload`,
      // As Cloudflare's own documentation sends it: curl --data names this type.
      headers: { ...TOKEN, 'content-type': 'application/x-www-form-urlencoded' },
      body: '{"maxDurationSeconds":60}',
    },
  ],
  [
    'tus creation',
    {
      method: 'POST',
      path: `${API}?direct_user=true`,
      headers: { ...TOKEN, 'tus-resumable': '1.0.0', 'upload-length': '1000' },
    },
  ],
  [
    'set webhook',
    {
      method: 'PUT',
      path: `${API}/webhook`,
      headers: { ...TOKEN, ...JSON_TYPE },
      body: '{"notificationUrl":"http://127.0.0.1:9/other"}',
    },
  ],
]

/** How a browser marks what it sends for a page of another site. */
const pages: readonly (readonly [string, Headers, number])[] = [
  ['Origin of another site', { origin: 'http://evil.example' }, 403],
  ['Origin of another port', { origin: 'http://127.0.0.1:1' }, 403],
  ['Origin null', { origin: 'null' }, 403],
  ['Origin that is no address', { origin: 'http://[' }, 403],
  ['Sec-Fetch-Site cross-site', { 'sec-fetch-site': 'cross-site' }, 403],
  ['Sec-Fetch-Site same-site', { 'sec-fetch-site': 'same-site' }, 403],
  ['a Host that its DNS answers for', { host: 'evil.example:4001' }, 421],
  [
    'such a Host, with its own Origin',
    { host: 'evil.example', origin: 'http://evil.example' },
    421,
  ],
  ['a Host that only begins well', { host: '127.0.0.1.evil.example' }, 421],
  ['a Host that is none', { host: 'evil.example@127.0.0.1' }, 421],
]

async function startWithVideo() {
  const emulator = await startTestEmulator({ storageMinutes: 100_000 })
  const stream = openStream(emulator)
  await stream.putWebhook('http://127.0.0.1:9/hook')
  const video = await stream.mintBasic({ maxDurationSeconds: 60 })
  const look = async () => ({
    state: { ...(await emulator.state()), clock: null },
    webhook: await stream.call('GET', '/webhook').then(({ result }) => result),
  })
  return { emulator, video, look }
}

describe.each(calls)('%s', (_name, call) => {
  test('is rejected from every page, and does nothing', async () => {
    const { emulator, look } = await startWithVideo()
    const before = await look()
    const outcomes: (readonly [string, number])[] = []
    for (const [page, headers] of pages) {
      const answer = await send(emulator.url, call, headers)
      outcomes.push([page, answer.status])
      expect(answer.headers['access-control-allow-origin']).toBeUndefined()
      expect(answer.body).not.toContain('secret')
    }
    expect(outcomes).toEqual(pages.map(([page, _headers, status]) => [page, status]))
    const after = await look()
    // The look at the webhook counts itself.
    const requests = { ...after.state.requests, webhook: before.state.requests['webhook'] }
    expect({ ...after, state: { ...after.state, requests } }).toEqual(before)
  })

  test('has no preflight that allows it', async () => {
    const { emulator } = await startWithVideo()
    const answer = await send(
      emulator.url,
      { method: 'OPTIONS', path: call.path },
      {
        origin: 'http://evil.example',
        'access-control-request-method': call.method,
        'access-control-request-headers': 'authorization, content-type',
        'access-control-request-private-network': 'true',
      },
    )
    expect(answer.status).toBe(403)
    expect(Object.keys(answer.headers).filter((name) => name.startsWith('access-control'))).toEqual(
      [],
    )
  })

  test('works without a page, by every name of this machine', async () => {
    const { emulator } = await startWithVideo()
    const { host, port } = new URL(emulator.url)
    const ways: readonly Headers[] = [
      {},
      { host: `localhost:${port}` },
      { host: `[::1]:${port}` },
      { host: '192.168.1.2:4001' },
      { host: 'emulator:4001' },
      { host: `stream.localhost:${port}` },
      { 'sec-fetch-site': 'none' },
      { origin: `http://${host}`, 'sec-fetch-site': 'same-origin' },
    ]
    for (const headers of ways) {
      const { status } = await send(emulator.url, call, headers)
      expect([headers, status]).toEqual([headers, status === 201 ? 201 : 200])
    }
  })
})

test.each([
  ['a target of another site, whatever its Host', 'http://evil.example', ['Host: 127.0.0.1'], 421],
  ['a target of this machine, whatever its Host', 'http://127.0.0.1', ['Host: evil.example'], 200],
  ['an empty Host', '', ['Host:'], 421],
  ['no Host', '', [], 400],
  ['two Hosts, the first of another site', '', ['Host: evil.example', 'Host: 127.0.0.1'], 421],
])('%s', async (_name, origin, headers, status) => {
  const { emulator } = await startWithVideo()
  const lines = [`GET ${origin}/__emulator/state HTTP/1.1`, ...headers, 'Connection: close']
  const heard = await talk(emulator.url, `${lines.join('\r\n')}\r\n\r\n`)
  expect(heard).toMatch(new RegExp(`^HTTP/1.1 ${status} `))
})

test('no Host in HTTP/1.0', async () => {
  const { emulator } = await startWithVideo()
  expect(await talk(emulator.url, 'GET /__emulator/state HTTP/1.0\r\n\r\n')).toMatch(
    /^HTTP\/1.1 421 /,
  )
})

describe('the control API takes JSON only', () => {
  const types: readonly (readonly [string, Headers, string, number])[] = [
    ['a form of text/plain', { 'content-type': 'text/plain' }, '{"webhook":true}', 415],
    ['such a form without fields', { 'content-type': 'text/plain' }, '', 415],
    ['a form', { 'content-type': 'application/x-www-form-urlencoded' }, '{"webhook":true}', 415],
    ['multipart', { 'content-type': 'multipart/form-data; boundary=x' }, '--x--', 415],
    ['a body of no type', {}, '{"webhook":true}', 415],
    ['JSON in a parameter', { 'content-type': 'text/plain; application/json' }, '{}', 415],
    ['JSON', JSON_TYPE, '{"webhook":true}', 200],
    ['JSON in capitals', { 'content-type': 'Application/JSON;charset=UTF-8' }, '{}', 200],
    ['no body', {}, '', 200],
  ]
  test.each(types)('%s', async (_name, headers, body, status) => {
    const { emulator } = await startWithVideo()
    const call = { method: 'POST', path: '/__emulator/reset', headers, body }
    const answer = await send(emulator.url, call, {})
    expect(answer.status).toBe(status)
    expect((await emulator.state()).videos).toHaveLength(status === 200 ? 0 : 1)
    expect(answer.body.includes('application/json')).toBe(status === 415)
  })
})

describe('the upload host and playback are for every page', () => {
  const anyPage: readonly (readonly [string, Headers])[] = [
    ['another site', { origin: 'http://evil.example', 'sec-fetch-site': 'cross-site' }],
    ['another name', { host: 'stream.example' }],
  ]
  test.each(anyPage)('%s', async (_name, headers) => {
    const { emulator, video } = await startWithVideo()
    const tus = await openStream(emulator).mintTus(1000)
    const { pathname } = new URL(tus.uploadURL)
    const preflight = await send(
      emulator.url,
      { method: 'OPTIONS', path: `/${video.uid}` },
      headers,
    )
    const offset = { method: 'HEAD', path: pathname, headers: { 'tus-resumable': '1.0.0' } }
    const picture = { method: 'GET', path: `/${video.uid}/thumbnails/thumbnail.jpg` }
    const answers: RawAnswer[] = [
      preflight,
      await send(emulator.url, offset, headers),
      await send(emulator.url, picture, headers),
    ]
    expect(
      answers.map((answer) => [answer.status, answer.headers['access-control-allow-origin']]),
    ).toEqual([
      [204, '*'],
      [200, '*'],
      [200, '*'],
    ])
  })
})
