/** The doors around GraphQL: what they take, and what they say to the rest. */
import { createHmac } from 'node:crypto'
import Database from 'better-sqlite3'
import { describe, expect, it } from 'vitest'
import { TEST_SECRET, type TestGateway, startTestGateway, tokenFor } from '../kit/gateway.ts'
import { testcardFile } from '../kit/media.ts'
import { createDirectUpload, expectMinted, postFile, watchToEnd } from '../kit/operations.ts'

const JSON_HEADERS = { 'content-type': 'application/json' }

function post(
  gateway: TestGateway,
  headers: Record<string, string>,
  body: string,
): Promise<Response> {
  return fetch(`${gateway.url}/graphql`, { method: 'POST', headers, body })
}

const notice = (uid: string) =>
  JSON.stringify({
    uid,
    readyToStream: true,
    status: { state: 'ready', pctComplete: '39.000000' },
  })

function send(
  gateway: TestGateway,
  body: string,
  secret: string,
  at = Date.now(),
): Promise<Response> {
  const time = Math.floor(at / 1000)
  const signature = createHmac('sha256', secret).update(`${time}.${body}`).digest('hex')
  return fetch(`${gateway.url}/webhooks/stream`, {
    method: 'POST',
    headers: { 'webhook-signature': `time=${time},sig1=${signature}` },
    body,
  })
}

async function secretOf(gateway: TestGateway): Promise<string> {
  const response = await fetch(`${gateway.emulator.apiBaseUrl}/accounts/local/stream/webhook`, {
    headers: { authorization: 'Bearer local-token' },
  })
  const text = await response.text()
  return /"secret":"(\w+)"/.exec(text)?.[1] ?? ''
}

describe('/graphql', () => {
  it('answers 401 with UNAUTHENTICATED without a valid token', async () => {
    const gateway = await startTestGateway({ AUTH_JWT_SECRET: TEST_SECRET })
    const body = JSON.stringify({ query: '{ uploads { totalCount } }' })
    const lapsed = await tokenFor('ada', { exp: Math.floor(Date.now() / 1000) - 60 })
    const nameless = await tokenFor('')
    const long = await tokenFor('x'.repeat(65))
    for (const authorization of [
      '',
      'Basic x',
      'Bearer x.y.z',
      ...[lapsed, nameless, long].map((token) => `Bearer ${token}`),
    ]) {
      const response = await post(gateway, { ...JSON_HEADERS, authorization }, body)
      expect(response.status).toBe(401)
      expect(response.headers.get('www-authenticate')).toBe('Bearer')
      expect(await response.json()).toMatchObject({
        errors: [{ extensions: { code: 'UNAUTHENTICATED' } }],
      })
    }
    const authorization = `Bearer ${await tokenFor('ada')}`
    const response = await post(gateway, { ...JSON_HEADERS, authorization }, body)
    expect(await response.json()).toEqual({ data: { uploads: { totalCount: 0 } } })
  })

  it.each([
    ['application/graphql-response+json', 'application/graphql-response+json; charset=utf-8'],
    ['application/json', 'application/json; charset=utf-8'],
    ['*/*', 'application/json; charset=utf-8'],
  ])('refuses whoever accepts %s in %s', async (accept, type) => {
    const gateway = await startTestGateway({ AUTH_JWT_SECRET: TEST_SECRET })
    const response = await post(gateway, { ...JSON_HEADERS, accept }, '{"query":"{ __typename }"}')
    expect([response.status, response.headers.get('content-type')]).toEqual([401, type])
  })

  it('takes JSON only, so that no form of another page can act for a visitor', async () => {
    const gateway = await startTestGateway()
    for (const type of [
      'application/x-www-form-urlencoded',
      'text/plain',
      'multipart/form-data; boundary=x',
    ]) {
      const response = await post(gateway, { 'content-type': type }, 'query=mutation{x}')
      expect(response.status).toBe(415)
    }
  })

  it('runs no mutation by GET', async () => {
    const gateway = await startTestGateway()
    const mutation = 'mutation { deleteUpload(uid: "x") { __typename } }'
    const response = await fetch(`${gateway.url}/graphql?query=${encodeURIComponent(mutation)}`)
    expect(response.status).toBe(405)
    const query = await fetch(`${gateway.url}/graphql?query={uploads{totalCount}}`)
    expect(await query.json()).toEqual({ data: { uploads: { totalCount: 0 } } })
  })

  it('shows GraphiQL to a browser, from its own files', async () => {
    const gateway = await startTestGateway({ AUTH_JWT_SECRET: TEST_SECRET })
    const response = await fetch(`${gateway.url}/graphql`, { headers: { accept: 'text/html' } })
    expect(response.status).toBe(200)
    const page = await response.text()
    expect(page).toContain('createDirectUpload')
    expect(page).not.toMatch(/<(?:script|link)[^>]+(?:src|href)=["']?https?:/)
  })

  it('hides schema and GraphiQL where introspection is off', async () => {
    const gateway = await startTestGateway({ INTROSPECTION: 'false' })
    const page = await fetch(`${gateway.url}/graphql`, { headers: { accept: 'text/html' } })
    expect(await page.text()).not.toContain('<html')
    const response = await post(
      gateway,
      JSON_HEADERS,
      JSON.stringify({ query: '{ __schema { types { name } } }' }),
    )
    expect(await response.text()).toContain('introspection')
  })

  it('lets the pages of listed origins call, and no others', async () => {
    const gateway = await startTestGateway({ ALLOWED_ORIGINS: 'https://app.example.com' })
    const preflight = (origin: string) =>
      fetch(`${gateway.url}/graphql`, {
        method: 'OPTIONS',
        headers: {
          origin,
          'access-control-request-method': 'POST',
          'access-control-request-headers': 'authorization,content-type',
        },
      })
    const allowed = await preflight('https://app.example.com')
    expect(allowed.status).toBe(204)
    expect(Object.fromEntries(allowed.headers)).toMatchObject({
      'access-control-allow-origin': 'https://app.example.com',
      'access-control-allow-headers': 'authorization,content-type',
      vary: 'Origin',
    })
    const refused = await preflight('https://evil.example.com')
    expect(refused.headers.get('access-control-allow-origin')).toBeNull()
  })

  it('refuses a body that is too large, and goes on', async () => {
    const gateway = await startTestGateway()
    const response = await post(
      gateway,
      JSON_HEADERS,
      JSON.stringify({ query: `#${'x'.repeat(300_000)}\n{ __typename }` }),
    )
    expect(response.status).toBe(413)
    expect((await post(gateway, JSON_HEADERS, '{"query":"{ __typename }"}')).status).toBe(200)
  })

  it('shows an unexpected error by its id only, and logs it whole', async () => {
    const gateway = await startTestGateway()
    new Database(gateway.databaseFile).exec('alter table uploads rename to gone').close()
    const response = await post(gateway, JSON_HEADERS, '{"query":"{ uploads { totalCount } }"}')
    const text = await response.text()
    expect(text).not.toMatch(/sqlite|table|gone/i)
    const [, requestId] = /"requestId":"([\w.-]+)"/.exec(text) ?? []
    expect(gateway.logs).toContainEqual({
      level: 'error',
      message: 'unexpected error',
      fields: { requestId, err: expect.objectContaining({ message: expect.any(String) }) },
    })
  })

  it('says by its code that Stream does not answer', async () => {
    const gateway = await startTestGateway()
    await gateway.emulator.fault({ on: 'storage_usage', times: 1, status: 500 })
    const response = await post(
      gateway,
      JSON_HEADERS,
      '{"query":"{ storageUsage { videoCount } }"}',
    )
    expect(await response.json()).toMatchObject({
      errors: [{ extensions: { code: 'STREAM_UNAVAILABLE' } }],
    })
  })
})

describe('/webhooks/stream', () => {
  it('believes signed notices, repeats included, and nothing else', async () => {
    const gateway = await startTestGateway()
    const caller = gateway.as()
    const { uid } = expectMinted(await createDirectUpload(caller))
    const secret = await secretOf(gateway)

    expect((await send(gateway, notice(uid), 'another secret')).status).toBe(401)
    expect((await send(gateway, notice(uid), secret, Date.now() - 301_000)).status).toBe(401)
    expect((await send(gateway, notice(uid), secret, Date.now() + 302_000)).status).toBe(401)
    expect((await send(gateway, '{"state":', secret)).status).toBe(400)
    expect(
      (await send(gateway, JSON.stringify({ uid, pad: 'x'.repeat(300_000) }), secret)).status,
    ).toBe(413)
    const unsigned = await fetch(`${gateway.url}/webhooks/stream`, {
      method: 'POST',
      body: notice(uid),
    })
    expect(unsigned.status).toBe(401)
    expect((await fetch(`${gateway.url}/webhooks/stream`)).status).toBe(405)

    expect((await send(gateway, notice(uid), secret)).status).toBe(200)
    expect((await send(gateway, notice(uid), secret)).status).toBe(200)
    const [state, ...more] = await watchToEnd(caller, uid)
    expect({ state, more }).toMatchObject({ state: { status: 'READY', version: 2 }, more: [] })
  })

  it('is how READY arrives: nobody asks in between', async () => {
    const gateway = await startTestGateway()
    const caller = gateway.as()
    const { uid, uploadURL } = expectMinted(await createDirectUpload(caller))
    const watched = watchToEnd(caller, uid)
    await postFile(uploadURL, testcardFile())
    expect((await watched).at(-1)?.status).toBe('READY')
    expect(gateway.logs.map((line) => line.message)).toContain('notice applied')
  })
})

describe('health', () => {
  it('says alive, and ready or why not', async () => {
    const gateway = await startTestGateway()
    expect((await fetch(`${gateway.url}/healthz`)).status).toBe(200)
    const ready = await fetch(`${gateway.url}/readyz`)
    expect({ status: ready.status, body: await ready.json() }).toEqual({
      status: 200,
      body: { status: 'ready' },
    })
    expect((await fetch(`${gateway.url}/nowhere`)).status).toBe(404)
  })
})
