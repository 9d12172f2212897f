/** Pages of other sites may upload to an emulator on this machine and play videos, nothing else. */
import { describe, expect, test } from 'vitest'

import { startTestEmulator } from '../kit/emulator.ts'
import { openRequest, sendRawText, type RawResponse } from './kit/raw-request.ts'
import { createStreamClient } from './kit/stream-client.ts'

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
  const { request, response } = openRequest(`${url}${path}`, method, {
    ...length,
    ...headers,
    ...more,
  })
  request.end(body)
  return response
}

/** Every request that reads or changes something, as command-line tools send it. */
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
  ['signing keys', { method: 'GET', path: `${API}/keys`, headers: TOKEN }],
  ['watermark profiles', { method: 'GET', path: `${API}/watermarks`, headers: TOKEN }],
  [
    'direct upload',
    {
      method: 'POST',
      path: `${API}/direct_upload`,
      // As in Cloudflare's documentation: curl --data sends this type.
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

/** The headers by which a request of a page of another site is recognized, and the expected status. */
const pages: readonly (readonly [string, Headers, number])[] = [
  ['Origin of another site', { origin: 'http://evil.example' }, 403],
  ['Origin of another port', { origin: 'http://127.0.0.1:1' }, 403],
  ['Origin null', { origin: 'null' }, 403],
  ['Origin that is not a URL', { origin: 'http://[' }, 403],
  ['Sec-Fetch-Site cross-site', { 'sec-fetch-site': 'cross-site' }, 403],
  ['Sec-Fetch-Site same-site', { 'sec-fetch-site': 'same-site' }, 403],
  ['a Host of another site (DNS rebinding)', { host: 'evil.example:4001' }, 421],
  [
    'a Host of another site with the same Origin',
    { host: 'evil.example', origin: 'http://evil.example' },
    421,
  ],
  ['a Host that starts with a loopback address', { host: '127.0.0.1.evil.example' }, 421],
  ['a malformed Host', { host: 'evil.example@127.0.0.1' }, 421],
]

async function startWithVideo() {
  const emulator = await startTestEmulator({ storageMinutes: 100_000 })
  const stream = createStreamClient(emulator)
  await stream.putWebhook('http://127.0.0.1:9/hook')
  const video = await stream.mintBasic({ maxDurationSeconds: 60 })
  const readState = async () => ({
    state: { ...(await emulator.state()), clock: null },
    webhook: await stream.call('GET', '/webhook').then(({ result }) => result),
  })
  return { emulator, video, readState }
}

describe.each(calls)('%s', (_name, call) => {
  test('is rejected from every page, without side effects', async () => {
    const { emulator, readState } = await startWithVideo()
    const before = await readState()
    const outcomes: (readonly [string, number])[] = []
    for (const [page, headers] of pages) {
      const response = await send(emulator.url, call, headers)
      outcomes.push([page, response.status])
      expect(response.headers['access-control-allow-origin']).toBeUndefined()
      expect(response.body).not.toContain('secret')
    }
    expect(outcomes).toEqual(pages.map(([page, _headers, status]) => [page, status]))
    const after = await readState()
    // Reading the webhook counts as a request.
    const requests = { ...after.state.requests, webhook: before.state.requests['webhook'] }
    expect({ ...after, state: { ...after.state, requests } }).toEqual(before)
  })

  test('is not allowed by a preflight', async () => {
    const { emulator } = await startWithVideo()
    const response = await send(
      emulator.url,
      { method: 'OPTIONS', path: call.path },
      {
        origin: 'http://evil.example',
        'access-control-request-method': call.method,
        'access-control-request-headers': 'authorization, content-type',
        'access-control-request-private-network': 'true',
      },
    )
    expect(response.status).toBe(403)
    expect(
      Object.keys(response.headers).filter((name) => name.startsWith('access-control')),
    ).toEqual([])
  })

  test('works without a page, by every host name of this machine', async () => {
    const { emulator } = await startWithVideo()
    const { host, port } = new URL(emulator.url)
    const headerSets: readonly Headers[] = [
      {},
      { host: `localhost:${port}` },
      { host: `[::1]:${port}` },
      { host: '192.168.1.2:4001' },
      { host: 'emulator:4001' },
      { host: `stream.localhost:${port}` },
      { 'sec-fetch-site': 'none' },
      { origin: `http://${host}`, 'sec-fetch-site': 'same-origin' },
    ]
    for (const headers of headerSets) {
      const { status } = await send(emulator.url, call, headers)
      expect([headers, status]).toEqual([headers, status === 201 ? 201 : 200])
    }
  })
})

test.each([
  [
    'an absolute target of another site with a Host of this machine',
    'http://evil.example',
    ['Host: 127.0.0.1'],
    421,
  ],
  [
    'an absolute target of this machine with a Host of another site',
    'http://127.0.0.1',
    ['Host: evil.example'],
    200,
  ],
  ['an empty Host', '', ['Host:'], 421],
  ['no Host', '', [], 400],
  ['two Hosts, the first of another site', '', ['Host: evil.example', 'Host: 127.0.0.1'], 421],
])('%s', async (_name, origin, headers, status) => {
  const { emulator } = await startWithVideo()
  const lines = [`GET ${origin}/__emulator/state HTTP/1.1`, ...headers, 'Connection: close']
  const received = await sendRawText(emulator.url, `${lines.join('\r\n')}\r\n\r\n`)
  expect(received).toMatch(new RegExp(`^HTTP/1.1 ${status} `))
})

test('no Host in HTTP/1.0', async () => {
  const { emulator } = await startWithVideo()
  expect(await sendRawText(emulator.url, 'GET /__emulator/state HTTP/1.0\r\n\r\n')).toMatch(
    /^HTTP\/1.1 421 /,
  )
})

describe('the control API accepts JSON only', () => {
  const types: readonly (readonly [string, Headers, string, number])[] = [
    ['a form of text/plain', { 'content-type': 'text/plain' }, '{"webhook":true}', 415],
    ['an empty form of text/plain', { 'content-type': 'text/plain' }, '', 415],
    ['a form', { 'content-type': 'application/x-www-form-urlencoded' }, '{"webhook":true}', 415],
    ['multipart', { 'content-type': 'multipart/form-data; boundary=x' }, '--x--', 415],
    ['a body without a type', {}, '{"webhook":true}', 415],
    ['JSON in a parameter', { 'content-type': 'text/plain; application/json' }, '{}', 415],
    ['JSON', JSON_TYPE, '{"webhook":true}', 200],
    [
      'JSON with a mixed-case type',
      { 'content-type': 'Application/JSON;charset=UTF-8' },
      '{}',
      200,
    ],
    ['no body', {}, '', 200],
  ]
  test.each(types)('%s', async (_name, headers, body, status) => {
    const { emulator } = await startWithVideo()
    const call = { method: 'POST', path: '/__emulator/reset', headers, body }
    const response = await send(emulator.url, call, {})
    expect(response.status).toBe(status)
    expect((await emulator.state()).videos).toHaveLength(status === 200 ? 0 : 1)
    expect(response.body.includes('application/json')).toBe(status === 415)
  })
})

describe('the upload host and playback allow every page', () => {
  const anyPage: readonly (readonly [string, Headers])[] = [
    ['another site', { origin: 'http://evil.example', 'sec-fetch-site': 'cross-site' }],
    ['another host name', { host: 'stream.example' }],
  ]
  test.each(anyPage)('%s', async (_name, headers) => {
    const { emulator, video } = await startWithVideo()
    const tus = await createStreamClient(emulator).mintTus(1000)
    const { pathname } = new URL(tus.uploadURL)
    const preflight = await send(
      emulator.url,
      { method: 'OPTIONS', path: `/${video.uid}` },
      headers,
    )
    const offset = { method: 'HEAD', path: pathname, headers: { 'tus-resumable': '1.0.0' } }
    const picture = { method: 'GET', path: `/${video.uid}/thumbnails/thumbnail.jpg` }
    const responses: RawResponse[] = [
      preflight,
      await send(emulator.url, offset, headers),
      await send(emulator.url, picture, headers),
    ]
    expect(
      responses.map((response) => [
        response.status,
        response.headers['access-control-allow-origin'],
      ]),
    ).toEqual([
      [204, '*'],
      [200, '*'],
      [200, '*'],
    ])
  })
})
