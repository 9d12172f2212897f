/** Wrong paths and methods that a page of another origin requests: it can read which path is right. */
import { describe, expect, it } from 'vitest'
import { startTestGateway } from '../kit/gateway.ts'

const ALLOWED = 'https://app.example.com'
const FOREIGN = 'https://evil.example.com'

/** Sends what a browser sends for a POST of JSON by a page: the preflight, then the request. */
async function postFrom(origin: string, path: string) {
  const { url } = await startTestGateway({ ALLOWED_ORIGINS: ALLOWED })
  const preflight = await fetch(url + path, {
    method: 'OPTIONS',
    headers: {
      origin,
      'access-control-request-method': 'POST',
      'access-control-request-headers': 'content-type',
    },
  })
  const headers = { origin, 'content-type': 'application/json' }
  const response = await fetch(url + path, { method: 'POST', headers, body: '{}' })
  return { preflight, response }
}

function allowedOrigins(...responses: readonly Response[]): readonly (string | null)[] {
  return responses.map(({ headers }) => headers.get('access-control-allow-origin'))
}

describe.each([
  ['/graphq', 404, '/graphql'],
  ['/', 405, 'GET, HEAD'],
])('POST %s', (path, status, text) => {
  it(`returns ${status} that a page of an allowed origin can read`, async () => {
    const { preflight, response } = await postFrom(ALLOWED, path)
    expect(preflight.status).toBe(204)
    expect(preflight.headers.get('access-control-allow-headers')).toBe('content-type')
    expect(response.status).toBe(status)
    expect(await response.text()).toContain(text)
    expect(allowedOrigins(preflight, response)).toEqual([ALLOWED, ALLOWED])
  })

  it(`returns ${status} without CORS headers to other origins`, async () => {
    const { preflight, response } = await postFrom(FOREIGN, path)
    expect([preflight.status, response.status]).toEqual([status, status])
    expect(response.headers.get('vary')).toContain('Origin')
    expect(allowedOrigins(preflight, response)).toEqual([null, null])
  })
})

it.each(['/', '/healthz', '/readyz', '/metrics'])('GET %s has no CORS headers', async (path) => {
  const { url } = await startTestGateway({ ALLOWED_ORIGINS: ALLOWED })
  const response = await fetch(url + path, { headers: { origin: ALLOWED } })
  expect(response.status).toBe(200)
  expect(allowedOrigins(response)).toEqual([null])
})

it.each(['/webhooks/stream', '/healthz', '/metrics'])(
  'a preflight request of %s has no CORS headers',
  async (path) => {
    const { preflight } = await postFrom(ALLOWED, path)
    expect(allowedOrigins(preflight)).toEqual([null])
  },
)
