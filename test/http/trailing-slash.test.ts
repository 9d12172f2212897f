/** A path with a slash at its end is the path without it, at every endpoint. */
import { describe, expect, it } from 'vitest'
import { createSetup } from '../fast-path/setup.ts'
import { MAX_REQUEST_BYTES } from '../../src/http/graphql/endpoint.ts'
import { TEST_SECRET, startTestGateway, tokenFor } from '../kit/gateway.ts'
import { scrape } from '../kit/metrics.ts'
import { openWebSocket } from '../kit/web-socket.ts'

const JSON_HEADERS = { 'content-type': 'application/json' }
const BODY = JSON.stringify({ query: '{ __typename }' })
const DATA = { data: { __typename: 'Query' } }

describe('/graphql/', () => {
  it('executes queries by POST and GET, also with a query string', async () => {
    const gateway = await startTestGateway()
    for (const path of ['/graphql/', '/graphql/?a=1', '/graphql?a=1']) {
      const options = { method: 'POST', headers: JSON_HEADERS, body: BODY }
      const response = await fetch(gateway.url + path, options)
      expect([path, response.status, await response.json()]).toEqual([path, 200, DATA])
    }
    const response = await fetch(`${gateway.url}/graphql/?query={__typename}`)
    expect(await response.json()).toEqual(DATA)
  })

  it('uses the fast path', async () => {
    const setup = await createSetup({ auth: { kind: 'disabled' } })
    const send = () =>
      fetch(`${setup.fast}/graphql/`, { method: 'POST', headers: JSON_HEADERS, body: BODY })
    for (let run = 0; run < 3; run += 1) await (await send()).json()
    const response = await send()
    expect(await response.json()).toEqual(DATA)
    expect(setup.usedFastPath(response.headers.get('x-request-id') ?? '')).toBe(true)
  })

  it('has the same limit of a body', async () => {
    const gateway = await startTestGateway()
    const body = JSON.stringify({ query: QUERY_PREFIX + 'x'.repeat(MAX_REQUEST_BYTES) })
    for (const path of ['/graphql/', '/graphql/?a=1']) {
      const response = await fetch(gateway.url + path, {
        method: 'POST',
        headers: JSON_HEADERS,
        body,
      })
      expect([path, response.status]).toEqual([path, 413])
    }
  })

  it('serves GraphiQL and preflight requests', async () => {
    const gateway = await startTestGateway({ ALLOWED_ORIGINS: 'https://app.example.com' })
    const page = await fetch(`${gateway.url}/graphql/`, { headers: { accept: 'text/html' } })
    expect([page.status, page.headers.get('content-type')]).toEqual([
      200,
      'text/html; charset=utf-8',
    ])
    const preflight = await fetch(`${gateway.url}/graphql/`, {
      method: 'OPTIONS',
      headers: { origin: 'https://app.example.com', 'access-control-request-method': 'POST' },
    })
    expect(preflight.headers.get('access-control-allow-origin')).toBe('https://app.example.com')
  })

  it('accepts WebSockets', async () => {
    const gateway = await startTestGateway()
    for (const path of ['/graphql/', '/graphql/?a=1']) {
      const socket = await openWebSocket(gateway.url, path)
      expect(socket.protocol).toBe('graphql-transport-ws')
    }
  })
})

describe('/tus/', () => {
  it('creates uploads and responds to OPTIONS', async () => {
    const gateway = await startTestGateway({ AUTH_JWT_SECRET: TEST_SECRET })
    const headers = {
      authorization: `Bearer ${await tokenFor('ada')}`,
      'tus-resumable': '1.0.0',
      'upload-length': '1000',
      'upload-metadata': `maxDurationSeconds ${btoa('60')}`,
    }
    for (const path of ['/tus', '/tus/', '/tus/?a=1']) {
      const response = await fetch(gateway.url + path, { method: 'POST', headers })
      expect([path, response.status]).toEqual([path, 201])
      expect(response.headers.get('location')).toContain('http')
      const options = await fetch(gateway.url + path, { method: 'OPTIONS' })
      expect([path, options.headers.get('tus-version')]).toEqual([path, '1.0.0'])
      const patch = await fetch(gateway.url + path, { method: 'PATCH' })
      expect([path, patch.status]).toEqual([path, 405])
    }
  })
})

it.each(['/healthz/', '/readyz/', '/metrics/'])('%s responds 200', async (path) => {
  const gateway = await startTestGateway()
  expect((await fetch(gateway.url + path)).status).toBe(200)
})

it('counts requests under the path without the slash', async () => {
  const gateway = await startTestGateway()
  await (await fetch(`${gateway.url}/graphql/?query={__typename}`)).text()
  const metrics = await scrape(gateway.url)
  const routes = metrics.all('headgate_http_responses_total').map(({ labels }) => labels['route'])
  expect(routes).toContain('/graphql')
  expect(routes).not.toContain('/graphql/')
})

it.each(['//', '/graphql//', '/tus//', '/graphqlx/', '/nothing/'])(
  '%s is not found',
  async (path) => {
    const gateway = await startTestGateway()
    expect((await fetch(gateway.url + path)).status).toBe(404)
  },
)

const QUERY_PREFIX = '# '
