/** Contract of the HTTP endpoints, for every host. */
import { createHmac } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { type Caller, TEST_SECRET, tokenFor } from '../kit/gateway.ts'
import { createDirectUpload, expectMinted, watchToEnd } from '../kit/operations.ts'

/** A running gateway. */
export interface StartedGateway {
  readonly url: string
  as(token?: string): Caller
  /** The secret that signs its webhooks. */
  webhookSecret(): Promise<string>
}

export type StartGateway = (variables?: Readonly<Record<string, string>>) => Promise<StartedGateway>

const JSON_HEADERS = { 'content-type': 'application/json' }

function post(
  gateway: StartedGateway,
  headers: Record<string, string>,
  body: string,
): Promise<Response> {
  return fetch(`${gateway.url}/graphql`, { method: 'POST', headers, body })
}

const webhook = (uid: string) =>
  JSON.stringify({
    uid,
    readyToStream: true,
    status: { state: 'ready', pctComplete: '39.000000' },
  })

function send(
  gateway: StartedGateway,
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

export function describeEndpoints(name: string, start: StartGateway): void {
  describe(`${name}, at /graphql`, () => {
    it('responds 401 with UNAUTHENTICATED without a valid token', async () => {
      const gateway = await start({ AUTH_JWT_SECRET: TEST_SECRET })
      const body = JSON.stringify({ query: '{ uploads { totalCount } }' })
      const expired = await tokenFor('ada', { exp: Math.floor(Date.now() / 1000) - 60 })
      const emptySubject = await tokenFor('')
      const long = await tokenFor('x'.repeat(65))
      for (const authorization of [
        '',
        'Basic x',
        'Bearer x.y.z',
        ...[expired, emptySubject, long].map((token) => `Bearer ${token}`),
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
    ])('responds 401 to a request that accepts %s with content type %s', async (accept, type) => {
      const gateway = await start({ AUTH_JWT_SECRET: TEST_SECRET })
      const response = await post(
        gateway,
        { ...JSON_HEADERS, accept },
        '{"query":"{ __typename }"}',
      )
      expect([response.status, response.headers.get('content-type')]).toEqual([401, type])
    })

    it('accepts JSON only, as CSRF protection', async () => {
      const gateway = await start()
      for (const type of [
        'application/x-www-form-urlencoded',
        'text/plain',
        'multipart/form-data; boundary=x',
      ]) {
        const response = await post(gateway, { 'content-type': type }, 'query=mutation{x}')
        expect(response.status).toBe(415)
      }
    })

    it('reads media types in any case, with weights and quoted parameters', async () => {
      const gateway = await start()
      const headers = {
        'content-type': 'Application/JSON; Charset="UTF-8"',
        accept: 'application/json;q=0, */*',
      }
      const response = await post(gateway, headers, '{"query":"{ __typename }"}')
      expect([response.status, response.headers.get('content-type')]).toEqual([
        200,
        'application/graphql-response+json; charset=utf-8',
      ])
      expect(await response.json()).toEqual({ data: { __typename: 'Query' } })
    })

    it('responds to a persisted query with PersistedQueryNotSupported', async () => {
      const gateway = await start()
      const body = '{"extensions":{"persistedQuery":{"version":1,"sha256Hash":"a"}}}'
      const response = await post(gateway, JSON_HEADERS, body)
      expect([response.status, await response.json()]).toEqual([
        200,
        {
          errors: [
            {
              message: 'PersistedQueryNotSupported',
              extensions: { code: 'PERSISTED_QUERY_NOT_SUPPORTED' },
            },
          ],
        },
      ])
    })

    it('is also at /graphql/', async () => {
      const gateway = await start()
      const response = await fetch(`${gateway.url}/graphql/?query={__typename}`)
      expect(await response.json()).toEqual({ data: { __typename: 'Query' } })
    })

    it('rejects a mutation sent by GET', async () => {
      const gateway = await start()
      const mutation = 'mutation { deleteUpload(uid: "x") { __typename } }'
      const response = await fetch(`${gateway.url}/graphql?query=${encodeURIComponent(mutation)}`)
      expect(response.status).toBe(405)
      const query = await fetch(`${gateway.url}/graphql?query={uploads{totalCount}}`)
      expect(await query.json()).toEqual({ data: { uploads: { totalCount: 0 } } })
    })

    it('hides the schema and GraphiQL when introspection is disabled', async () => {
      const gateway = await start({ INTROSPECTION: 'false' })
      const page = await fetch(`${gateway.url}/graphql`, { headers: { accept: 'text/html' } })
      expect(await page.text()).not.toContain('<html')
      const response = await post(
        gateway,
        JSON_HEADERS,
        JSON.stringify({ query: '{ __schema { types { name } } }' }),
      )
      expect(await response.text()).toContain('introspection')
    })

    it('allows cross-origin requests from listed origins only', async () => {
      const gateway = await start({ ALLOWED_ORIGINS: 'https://app.example.com' })
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
      const rejected = await preflight('https://evil.example.com')
      expect(rejected.headers.get('access-control-allow-origin')).toBeNull()
    })

    it('responds 413 to a body that is too large and continues to serve', async () => {
      const gateway = await start()
      const response = await post(
        gateway,
        JSON_HEADERS,
        JSON.stringify({ query: `#${'x'.repeat(300_000)}\n{ __typename }` }),
      )
      expect(response.status).toBe(413)
      expect((await post(gateway, JSON_HEADERS, '{"query":"{ __typename }"}')).status).toBe(200)
    })
  })

  describe(`${name}, at /webhooks/stream`, () => {
    it('accepts webhooks with a valid signature, including repeated ones, and rejects others', async () => {
      const gateway = await start()
      const caller = gateway.as()
      const { uid } = expectMinted(await createDirectUpload(caller))
      const secret = await gateway.webhookSecret()

      expect((await send(gateway, webhook(uid), 'another secret')).status).toBe(401)
      expect((await send(gateway, webhook(uid), secret, Date.now() - 301_000)).status).toBe(401)
      expect((await send(gateway, webhook(uid), secret, Date.now() + 302_000)).status).toBe(401)
      expect((await send(gateway, '{"state":', secret)).status).toBe(400)
      expect(
        (await send(gateway, JSON.stringify({ uid, pad: 'x'.repeat(300_000) }), secret)).status,
      ).toBe(413)
      const withoutSignature = await fetch(`${gateway.url}/webhooks/stream`, {
        method: 'POST',
        body: webhook(uid),
      })
      expect(withoutSignature.status).toBe(401)
      expect((await fetch(`${gateway.url}/webhooks/stream`)).status).toBe(405)

      expect((await send(gateway, webhook(uid), secret)).status).toBe(200)
      expect((await send(gateway, webhook(uid), secret)).status).toBe(200)
      const [state, ...more] = await watchToEnd(caller, uid)
      expect({ state, more }).toMatchObject({ state: { status: 'READY', version: 2 }, more: [] })
    })
  })

  describe(`${name}, at /healthz and /readyz`, () => {
    it('responds that it is alive and ready, and 404 to unknown paths', async () => {
      const gateway = await start()
      expect((await fetch(`${gateway.url}/healthz`)).status).toBe(200)
      const ready = await fetch(`${gateway.url}/readyz`)
      expect({ status: ready.status, body: await ready.json() }).toEqual({
        status: 200,
        body: { status: 'ready' },
      })
      expect((await fetch(`${gateway.url}/nowhere`)).status).toBe(404)
    })
  })
}
