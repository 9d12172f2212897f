/** Accept and Content-Type in every form that RFC 9110 allows, at every endpoint that reads them. */
import { describe, expect, it } from 'vitest'
import { type TestGateway, startTestGateway } from '../kit/gateway.ts'

const JSON_TYPE = 'application/json'
const GRAPHQL_RESPONSE = 'application/graphql-response+json'
const EVENTS = 'text/event-stream'

const QUERY = '{ __typename }'

function get(gateway: TestGateway, path: string, accept: string): Promise<Response> {
  return fetch(`${gateway.url}${path}`, { headers: { accept } })
}

/** Returns the media type of the response, or its status if it is not 200. */
async function typeOf(response: Response): Promise<string | number> {
  await response.body?.cancel()
  const [type = ''] = (response.headers.get('content-type') ?? '').split(';')
  return response.status === 200 ? type : response.status
}

describe('the Accept header of a query', () => {
  it.each<[accept: string, type: string | number]>([
    ['Application/JSON', JSON_TYPE],
    ['APPLICATION/GraphQL-Response+JSON', GRAPHQL_RESPONSE],
    ['application/json;q=0.5, application/graphql-response+json', GRAPHQL_RESPONSE],
    ['application/graphql-response+json;q=0.5, application/json', JSON_TYPE],
    ['application/graphql-response+json;q=0, */*', JSON_TYPE],
    ['application/json;q=0, */*', GRAPHQL_RESPONSE],
    ['application/json; Q=0 , application/*;q=0.1', GRAPHQL_RESPONSE],
    ['*/*;q=0', 406],
    ['application/json;q=0.0, application/graphql-response+json;q=0.000', 406],
    ['application/json; charset="utf-8"', JSON_TYPE],
    ['application/json; charset="UTF-8"', JSON_TYPE],
    ['application/json;profile="a,b;c=\\"d\\""', JSON_TYPE],
    ['application/json;charset=latin1, application/graphql-response+json', GRAPHQL_RESPONSE],
    ['text/event-stream, application/json;q=0.5', EVENTS],
    ['text/event-stream;q=0.5, application/json', JSON_TYPE],
    ['application/json\t;\tq=1', JSON_TYPE],
    ['image/png, */*;q=0.1', JSON_TYPE],
    [', ,application/json,', JSON_TYPE],
  ])('%s gets %s', async (accept, type) => {
    const gateway = await startTestGateway()
    expect(await typeOf(await get(gateway, `/graphql?query=${QUERY}`, accept))).toBe(type)
    const body = JSON.stringify({ query: QUERY })
    for (let run = 0; run < 4; run += 1) {
      const headers = { accept, 'content-type': JSON_TYPE }
      const posted = await fetch(`${gateway.url}/graphql`, { method: 'POST', headers, body })
      expect(await typeOf(posted)).toBe(type)
    }
  })

  it.each<[accept: string, type: string]>([
    ['application/graphql-response+json;q=0, application/json', JSON_TYPE],
    ['application/json;q=0.1, Application/GraphQL-Response+JSON', GRAPHQL_RESPONSE],
    ['*/*', JSON_TYPE],
  ])('%s decides the media type of an error: %s', async (accept, type) => {
    const gateway = await startTestGateway({ AUTH_JWT_SECRET: 'x'.repeat(32) })
    const response = await get(gateway, `/graphql?query=${QUERY}`, accept)
    expect(response.status).toBe(401)
    expect(response.headers.get('content-type')).toBe(`${type}; charset=utf-8`)
  })
})

it.each<[accept: string, type: string | number]>([
  ['Text/Event-Stream', EVENTS],
  ['text/event-stream;q=0, */*', 406],
  ['application/json, text/*;q=0.1', EVENTS],
])('the Accept header of a subscription, %s, gets %s', async (accept, type) => {
  const gateway = await startTestGateway()
  const query = encodeURIComponent('subscription { uploadsChanged { uid } }')
  expect(await typeOf(await get(gateway, `/graphql?query=${query}`, accept))).toBe(type)
})

describe('a page', () => {
  const BROWSER = 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8'

  it.each<[accept: string, type: string]>([
    [BROWSER, 'text/html'],
    ['TEXT/HTML', 'text/html'],
    ['text/html;q=0.5', 'text/html'],
    ['text/html;q=0, application/json', JSON_TYPE],
    ['text/html;q=0, */*', JSON_TYPE],
    ['text/html; q=0.1, application/json', JSON_TYPE],
    ['application/json, text/plain', JSON_TYPE],
    ['*/*', JSON_TYPE],
    ['x/y;note="text/html", application/json', JSON_TYPE],
  ])('of GraphiQL or a result is served for %s: %s', async (accept, type) => {
    const gateway = await startTestGateway()
    expect(await typeOf(await get(gateway, `/graphql?query=${QUERY}`, accept))).toBe(type)
  })

  it.each<[accept: string, type: string]>([
    ['TEXT/HTML', 'text/html'],
    [BROWSER, 'text/html'],
    ['text/html;q=0', 'text/plain'],
    ['text/html;q=0.5, text/plain', 'text/plain'],
  ])('of the console is served for %s as %s', async (accept, type) => {
    const gateway = await startTestGateway()
    expect(await typeOf(await get(gateway, '/', accept))).toBe(type)
  })
})

describe('the Content-Type of a request', () => {
  it.each([
    'Application/JSON',
    'Application/JSON; Charset=UTF-8',
    'application/json;charset="utf-8"',
    'application/json ; charset=utf-8',
    'application/json;a="b;c"',
    'APPLICATION/GraphQL+JSON',
  ])('%s is JSON', async (type) => {
    const gateway = await startTestGateway()
    const body = JSON.stringify({ query: QUERY })
    for (let run = 0; run < 3; run += 1) {
      const headers = { 'content-type': type }
      const response = await fetch(`${gateway.url}/graphql`, { method: 'POST', headers, body })
      expect([response.status, await response.json()]).toEqual([
        200,
        { data: { __typename: 'Query' } },
      ])
    }
  })

  it.each(['text/plain', 'text/plain; charset="application/json"', 'application/jsonx', 'x'])(
    '%s is rejected with 415, which names the accepted type',
    async (type) => {
      const gateway = await startTestGateway()
      const headers = { 'content-type': type }
      const response = await fetch(`${gateway.url}/graphql`, {
        method: 'POST',
        headers,
        body: '{}',
      })
      expect(response.status).toBe(415)
      expect(response.headers.get('accept')).toBe(JSON_TYPE)
      expect(await response.text()).toContain('application/json')
    },
  )
})

it.each<[accepted: string, coding: string | null]>([
  ['gzip, br', 'br'],
  ['BR', 'br'],
  ['br;q=0, gzip', 'gzip'],
  ['br;q=0.5, gzip;q=0.9', 'gzip'],
  ['br; Q=0, gzip; q="0"', null],
  ['*', 'br'],
  ['br;q=0, *', 'gzip'],
  ['identity', null],
])('a static file for Accept-Encoding: %s has the coding %s', async (accepted, coding) => {
  const gateway = await startTestGateway()
  const page = await (await get(gateway, '/graphql', 'text/html')).text()
  const [, path = ''] = /src="(\/graphql\/[^"]+\.js)"/.exec(page) ?? []
  const headers = { 'accept-encoding': accepted }
  const response = await fetch(gateway.url + path, { method: 'HEAD', headers })
  expect([response.status, response.headers.get('content-encoding')]).toEqual([200, coding])
})
