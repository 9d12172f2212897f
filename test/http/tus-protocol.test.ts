/** The tus protocol at `/tus` and at the emulator: the method override, and the version of every response. */
import { describe, expect, it } from 'vitest'
import { startTestEmulator } from '../kit/emulator.ts'
import { TEST_SECRET, startTestGateway, tokenFor } from '../kit/gateway.ts'
import { testcard, zeros } from '../kit/media.ts'
import { openRaw, rawRequest } from '../kit/raw-client.ts'
import { startTestServer } from '../kit/served-gateway.ts'
import { createStreamClient } from '../emulator/kit/stream-client.ts'
import { offsetOf, patch } from '../emulator/kit/tus-client.ts'

type Headers = Readonly<Record<string, string>>

const CREATION = { 'tus-resumable': '1.0.0', 'upload-length': '1000' }
const CHUNK = {
  'tus-resumable': '1.0.0',
  'upload-offset': '0',
  'content-type': 'application/offset+octet-stream',
}
const TOKEN = { authorization: 'Bearer local-token' }

const override = (method: string): Headers => ({ 'x-http-method-override': method })

/** Actual method, override, status, Allow. */
const atGateway: readonly [string, string, number, string | null][] = [
  ['POST', 'HEAD', 405, 'POST, OPTIONS'],
  ['POST', 'PATCH', 405, 'POST, OPTIONS'],
  ['POST', 'patch', 405, 'POST, OPTIONS'],
  ['POST', 'DELETE', 405, 'POST, OPTIONS'],
  ['POST', 'GET', 405, 'POST, OPTIONS'],
  ['POST', 'PUT', 405, 'POST, OPTIONS'],
  ['POST', 'OPTIONS', 204, null],
  ['POST', 'MINT', 400, null],
  ['POST', '', 400, null],
  ['POST', 'PATCH, POST', 400, null],
  ['POST', 'POST', 201, null],
  ['PUT', 'POST', 201, null],
  ['GET', 'POST', 201, null],
]

describe('X-HTTP-Method-Override at /tus', () => {
  it.each(atGateway)('makes %s to "%s" respond %i', async (method, value, status, allow) => {
    const gateway = await startTestGateway()
    const response = await fetch(`${gateway.url}/tus`, {
      method,
      headers: { ...CREATION, ...override(value) },
    })
    expect([response.status, response.headers.get('allow')]).toEqual([status, allow])
    expect((await gateway.emulator.state()).videos).toHaveLength(status === 201 ? 1 : 0)
    const text = await response.text()
    expect(text.includes('one of GET, HEAD, POST, PUT, PATCH')).toBe(status === 400)
  })

  it('is the method for authorization, rate limit, log and metrics', async () => {
    const gateway = await startTestGateway({
      AUTH_JWT_SECRET: TEST_SECRET,
      RATE_LIMIT_CREATES: '1',
    })
    const statusOf = async (method: string, headers: Headers): Promise<number> =>
      (await fetch(`${gateway.url}/tus`, { method, headers: { ...CREATION, ...headers } })).status
    const token = { authorization: `Bearer ${await tokenFor('ada')}` }
    expect([
      await statusOf('GET', override('POST')),
      await statusOf('GET', { ...token, ...override('POST') }),
      await statusOf('GET', { ...token, ...override('POST') }),
      await statusOf('POST', { ...token, ...override('DELETE') }),
    ]).toEqual([401, 201, 429, 405])
    const logged = gateway.logs.flatMap(({ fields }) =>
      'path' in fields && 'method' in fields && 'status' in fields && fields.path === '/tus'
        ? [`${String(fields.method)} ${String(fields.status)}`]
        : [],
    )
    expect(logged).toEqual(['POST 401', 'POST 201', 'POST 429', 'DELETE 405'])
    const metrics = await (await fetch(`${gateway.url}/metrics`)).text()
    const counted = [...metrics.matchAll(/route="\/tus",method="(\w+)",code="(\d+)"/g)]
    expect(counted.map(([, method, code]) => `${method} ${code}`).toSorted()).toEqual([
      'POST 201',
      'POST 401',
      'POST 429',
      // DELETE has no label of its own.
      'other 405',
    ])
  })

  it('is ignored at other endpoints', async () => {
    const { url } = await startTestGateway()
    const headers = { 'content-type': 'application/json', ...override('DELETE') }
    const body = '{"query":"{ __typename }"}'
    expect((await fetch(`${url}/graphql`, { method: 'POST', headers, body })).status).toBe(200)
  })

  it('is allowed by the preflight, with the method that carries it', async () => {
    const origin = 'https://app.example.com'
    const { url } = await startTestGateway({ ALLOWED_ORIGINS: origin })
    const response = await fetch(`${url}/tus`, {
      method: 'OPTIONS',
      headers: {
        origin,
        'access-control-request-method': 'POST',
        'access-control-request-headers': 'x-http-method-override',
      },
    })
    expect(response.headers.get('access-control-allow-methods')).toBe('POST')
    expect(response.headers.get('access-control-allow-headers')).toBe('x-http-method-override')
  })
})

describe("X-HTTP-Method-Override at the emulator's", () => {
  it('tus URL reads the offset and receives the file', async () => {
    const emulator = await startTestEmulator()
    const bytes = testcard.bytes.byteLength
    const { uploadURL } = await createStreamClient(emulator).mintTus(bytes)
    const head = await fetch(uploadURL, {
      method: 'POST',
      headers: { ...CREATION, ...override('HEAD') },
    })
    expect([head.status, head.headers.get('upload-offset')]).toEqual([200, '0'])
    const sent = await fetch(uploadURL, {
      method: 'POST',
      headers: { ...CHUNK, ...override('PATCH') },
      body: new Uint8Array(testcard.bytes),
    })
    expect([sent.status, sent.headers.get('upload-offset')]).toEqual([204, String(bytes)])
    const after = await fetch(uploadURL, {
      method: 'POST',
      headers: { ...CREATION, ...override('HEAD') },
    })
    expect([after.status, after.headers.get('upload-offset')]).toEqual([200, String(bytes)])
  })

  it.each([
    ['POST', 'DELETE', 405, 'HEAD, PATCH, OPTIONS'],
    ['PATCH', 'POST', 405, 'HEAD, PATCH, OPTIONS'],
    ['PATCH', 'MINT', 400, null],
    ['POST', 'OPTIONS', 204, null],
  ])('tus URL makes %s to "%s" respond %i', async (method, value, status, allow) => {
    const { uploadURL } = await createStreamClient(await startTestEmulator()).mintTus(1000)
    const headers = { ...CHUNK, ...override(value) }
    const init = { method, headers, body: zeros(1000) }
    const response = await fetch(uploadURL, init)
    expect([response.status, response.headers.get('allow')]).toEqual([status, allow])
    expect(await offsetOf(uploadURL)).toBe(0)
  })

  it('basic URL stores nothing for another method', async () => {
    const emulator = await startTestEmulator()
    const { uploadURL } = await createStreamClient(emulator).mintBasic({ maxDurationSeconds: 1 })
    const form = new FormData()
    form.append('file', new File(['v'], 'v.mp4'))
    const send = (headers: Headers) => fetch(uploadURL, { method: 'POST', headers, body: form })
    const rejected = await send(override('PATCH'))
    expect([rejected.status, rejected.headers.get('allow')]).toEqual([405, 'POST, OPTIONS'])
    expect((await send(override('MINT'))).status).toBe(400)
    expect((await send({})).status).toBe(200)
  })

  it.each([
    ['POST', 'PATCH', 405],
    ['POST', 'HEAD', 405],
    ['POST', 'MINT', 400],
    ['POST', 'GET', 200],
    ['GET', 'POST', 201],
  ])('creation endpoint makes %s to "%s" respond %i', async (method, value, status) => {
    const emulator = await startTestEmulator()
    const url = `${emulator.apiBaseUrl}/accounts/local/stream?direct_user=true`
    const headers = { ...TOKEN, ...CREATION, ...override(value) }
    const response = await fetch(url, { method, headers })
    expect([response.status, response.headers.get('allow')]).toEqual([
      status,
      status === 405 ? 'GET, POST' : null,
    ])
    expect((await emulator.state()).videos).toHaveLength(status === 201 ? 1 : 0)
  })
})

/** Name, status, method, headers. */
type Rejection = readonly [string, number, string, Headers]

const atTus: readonly Rejection[] = [
  ['an unknown override', 400, 'POST', override('MINT')],
  ['a missing length', 400, 'POST', { 'tus-resumable': '1.0.0' }],
  ['a missing version', 412, 'POST', {}],
  ['another version', 412, 'POST', { 'tus-resumable': '0.2.2' }],
  ['HEAD', 405, 'HEAD', CREATION],
  ['GET', 405, 'GET', CREATION],
  ['PUT', 405, 'PUT', CREATION],
  ['PATCH', 405, 'PATCH', CREATION],
  ['DELETE', 405, 'DELETE', CREATION],
  ['a used storage', 413, 'POST', CREATION],
]

describe('Tus-Resumable is in the response of /tus to', () => {
  it.each(atTus)('%s, %i', async (_name, status, method, headers) => {
    const { url } = await startTestGateway({ EMULATOR_STORAGE_MINUTES: '0' })
    const response = await fetch(`${url}/tus`, { method, headers })
    expect([response.status, response.headers.get('tus-resumable')]).toEqual([status, '1.0.0'])
    expect(response.headers.get('tus-version')).toBe(status === 412 ? '1.0.0' : null)
  })

  it('callers without a token and above the rate limit, and failures of Stream', async () => {
    const gateway = await startTestGateway({ RATE_LIMIT_CREATES: '2' })
    const seen: (readonly [number, string | null])[] = []
    const create = async (): Promise<void> => {
      const response = await fetch(`${gateway.url}/tus`, { method: 'POST', headers: CREATION })
      seen.push([response.status, response.headers.get('tus-resumable')])
    }
    await gateway.emulator.fault({ on: 'tus_create', times: 1, status: 503 })
    await create()
    await gateway.emulator.fault({ on: 'tus_create', times: 1, status: 404 })
    await create()
    await create()
    const secured = await startTestGateway({ AUTH_JWT_SECRET: TEST_SECRET })
    const rejected = await fetch(`${secured.url}/tus`, { method: 'POST', headers: CREATION })
    seen.push([rejected.status, rejected.headers.get('tus-resumable')])
    expect(seen).toEqual([
      [503, '1.0.0'],
      [422, '1.0.0'],
      [429, '1.0.0'],
      [401, '1.0.0'],
    ])
  })

  it.each([
    ['a host that is not allowed, 421', { host: 'evil.example' }, 421],
    ['an unknown expectation, 417', { expect: 'a miracle' }, 417],
  ])('%s', async (_name, headers, status) => {
    const { url } = await startTestGateway()
    const client = await openRaw(url)
    client.socket.write(rawRequest('POST /tus', { ...CREATION, ...headers }))
    const received = await client.until('\r\n\r\n')
    expect(received).toContain(`HTTP/1.1 ${status} `)
    expect(received.match(/tus-resumable: 1\.0\.0/gi)).toHaveLength(1)
  })

  it('a request while the gateway starts, 503', async () => {
    const server = await startTestServer()
    const response = await fetch(`${server.url}/tus`, { method: 'POST', headers: CREATION })
    expect([response.status, response.headers.get('tus-resumable')]).toEqual([503, '1.0.0'])
  })
})

const atUploadUrl: readonly Rejection[] = [
  ['a missing version', 412, 'PATCH', {}],
  ['an unknown override', 400, 'POST', override('MINT')],
  ['GET', 405, 'GET', {}],
  ['POST', 405, 'POST', {}],
  ['DELETE', 405, 'DELETE', CHUNK],
  ['another Content-Type', 415, 'PATCH', { ...CHUNK, 'content-type': 'video/mp4' }],
  ['a missing offset', 400, 'PATCH', { ...CHUNK, 'upload-offset': '' }],
  ['another offset', 409, 'PATCH', { ...CHUNK, 'upload-offset': '5' }],
  ['a chunk that is too small', 400, 'PATCH', CHUNK],
  ['a fault', 503, 'HEAD', CHUNK],
  ['a fault', 503, 'PATCH', CHUNK],
]

describe("Tus-Resumable is in the response of the emulator's", () => {
  it.each(atUploadUrl)('tus URL to %s, %i', async (name, status, method, headers) => {
    const emulator = await startTestEmulator()
    const { uploadURL } = await createStreamClient(emulator).mintTus(1000)
    if (name === 'a fault') {
      await emulator.fault({ on: 'tus_head', status: 503 })
      await emulator.fault({ on: 'tus_patch', status: 503 })
    }
    const response = await fetch(uploadURL, { method, headers })
    expect([response.status, response.headers.get('tus-resumable')]).toEqual([status, '1.0.0'])
    expect(response.headers.get('tus-version')).toBe(status === 412 ? '1.0.0' : null)
  })

  it('unknown, used and expired tus URLs', async () => {
    const emulator = await startTestEmulator()
    const stream = createStreamClient(emulator)
    const [used, expired] = [await stream.mintTus(1000), await stream.mintTus(1000)]
    await patch(used.uploadURL, 0, zeros(1000))
    const responses = [
      await patch(`${emulator.url}/tus/${'0'.repeat(32)}`, 0, zeros(1)),
      await patch(`${emulator.url}/tus/unknown`, 0, zeros(1)),
      await patch(used.uploadURL, 1000, zeros(0)),
    ]
    await emulator.advanceClock(86_400)
    responses.push(await patch(expired.uploadURL, 0, zeros(1000)))
    expect(responses.map(({ status, headers }) => [status, headers.get('tus-resumable')])).toEqual([
      [404, '1.0.0'],
      [404, '1.0.0'],
      [410, '1.0.0'],
      [410, '1.0.0'],
    ])
  })

  const atCreation: readonly Rejection[] = [
    ['a wrong token', 401, 'POST', CREATION],
    ['a page', 403, 'POST', { ...TOKEN, ...CREATION, origin: 'https://a.example' }],
    ['a missing version', 412, 'POST', TOKEN],
    ['a missing length', 400, 'POST', { ...TOKEN, 'tus-resumable': '1.0.0' }],
    ['an unknown override', 400, 'POST', { ...TOKEN, ...override('MINT') }],
    ['PATCH', 405, 'PATCH', TOKEN],
    ['a large file', 413, 'POST', { ...TOKEN, ...CREATION, 'upload-length': '30000000001' }],
    ['a used storage', 413, 'POST', { ...TOKEN, ...CREATION }],
    ['a fault', 500, 'POST', { ...TOKEN, ...CREATION }],
  ]
  it.each(atCreation)('creation to %s, %i', async (name, status, method, headers) => {
    const emulator = await startTestEmulator({ storageMinutes: 1 })
    if (name === 'a fault') await emulator.fault({ on: 'tus_create', status })
    const url = `${emulator.apiBaseUrl}/accounts/local/stream?direct_user=true`
    const response = await fetch(url, { method, headers })
    expect([response.status, response.headers.get('tus-resumable')]).toEqual([status, '1.0.0'])
    expect((await emulator.state()).videos).toEqual([])
  })
})

describe('the Content-Type of a chunk', () => {
  it.each([
    ['Application/Offset+Octet-Stream', 204],
    ['application/offset+octet-stream; charset=binary', 204],
    ['application/offset+octet-stream ;v="a, b"', 204],
    ['application/offset+octet-streams', 415],
    ['application/octet-stream; x=application/offset+octet-stream', 415],
  ])('%s responds %i', async (type, status) => {
    const { uploadURL } = await createStreamClient(await startTestEmulator()).mintTus(1000)
    const response = await patch(uploadURL, 0, zeros(1000), { 'content-type': type })
    expect(response.status).toBe(status)
    const text = await response.text()
    expect(text.includes('application/offset+octet-stream')).toBe(status === 415)
  })

  it('of a form is read in any case', async () => {
    const { uploadURL } = await createStreamClient(await startTestEmulator()).mintBasic({
      maxDurationSeconds: 1,
    })
    const part = 'Content-Disposition: form-data; name="file"; filename="v.mp4"'
    const response = await fetch(uploadURL, {
      method: 'POST',
      headers: { 'content-type': 'Multipart/Form-Data; Boundary="x"' },
      body: `--x\r\n${part}\r\n\r\nv\r\n--x--\r\n`,
    })
    expect(response.status).toBe(200)
  })
})
