/** Headers that contain thousands of entries: before authentication, they must cost little to read. */
import { describe, expect, it } from 'vitest'
import { createResponseHeaders } from '../../src/http/response-headers.ts'
import { TEST_SECRET, startTestGateway } from '../kit/gateway.ts'
import { openRaw, rawQuery, rawRequest } from '../kit/raw-client.ts'
import { serveInTest } from '../kit/served-gateway.ts'

/** Nearly all bytes that the headers of a request may have. */
const ENTRIES = 11_500
const MANY = 'a,'.repeat(ENTRIES)
/** As many bytes in a list of one entry. */
const LONG = 'a'.repeat(2 * ENTRIES)

/** Reading all entries takes 15 to 30 ms on a machine with two busy cores. */
const MAX_ADDED_MS = 5

/** Milliseconds from a request on a new connection to the end of its response. */
async function measure(url: string, request: string): Promise<number> {
  const client = await openRaw(url)
  const startedAt = performance.now()
  client.socket.write(request)
  await client.closed()
  return performance.now() - startedAt
}

/** Difference of the medians of requests with and without many entries, sent alternately. */
async function addedMs(url: string, request: (list: string) => string): Promise<number> {
  const many: number[] = []
  const long: number[] = []
  for (let attempt = 0; attempt < 31; attempt += 1) {
    many.push(await measure(url, request(MANY)))
    long.push(await measure(url, request(LONG)))
  }
  return median(many) - median(long)
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? NaN
}

const CLOSE = { connection: 'close' }

describe('a list of 11,500 entries', () => {
  it.each<[name: string, request: (list: string) => string]>([
    [
      'Accept of a GET request',
      (list) => rawRequest('GET /graphql', { ...CLOSE, accept: `text/html;q=0.1,${list}` }),
    ],
    [
      'Accept of the index page',
      (list) => rawRequest('GET /', { ...CLOSE, accept: `text/html;q=0.1,${list}` }),
    ],
    ['Accept of a POST request', (list) => rawQuery('{ __typename }', { ...CLOSE, accept: list })],
    ['Content-Type', (list) => rawQuery('{ __typename }', { ...CLOSE, 'content-type': list })],
  ])('in %s takes no longer than a list of one entry', async (_name, request) => {
    const { url } = await startTestGateway({ AUTH_JWT_SECRET: TEST_SECRET })
    expect(await addedMs(url, request)).toBeLessThan(MAX_ADDED_MS)
  })

  it('in Accept takes no longer if the gateway is overloaded', async () => {
    const url = await startFullGateway()
    const added = await addedMs(url, (list) =>
      rawRequest('GET /graphql', { ...CLOSE, accept: list }),
    )
    expect(added).toBeLessThan(MAX_ADDED_MS)
  })
})

it('ignores the entries of Accept after 1,024 characters, and no part of the last before them', async () => {
  const { url } = await startTestGateway()
  const status = async (accept: string): Promise<number> => {
    const response = await fetch(`${url}/graphql?query={__typename}`, { headers: { accept } })
    await response.text()
    return response.status
  }
  const json = 'application/json;q=0.5'
  const padding = 'a,'.repeat((1024 - json.length) / 2)
  expect(await status(`${padding}${json}`)).toBe(200)
  expect(await status(`${padding}${json},a/b`)).toBe(200)
  expect(await status(`a,${padding}${json}`)).toBe(406)
})

const never = (): Promise<Response> => new Promise(() => {})

/** A gateway with as many requests in flight as it accepts. */
async function startFullGateway(): Promise<string> {
  const headers = createResponseHeaders({ origins: new Set(), https: false })
  const hostResponses = { headers, record: () => {} }
  const server = await serveInTest({ fetch: never, hostResponses })
  for (let index = 0; index < 1000; index += 1) {
    const client = await openRaw(server.url)
    client.socket.write(rawRequest('GET /'))
  }
  await expect.poll(() => server.load().inFlight, { timeout: 10_000 }).toBe(1000)
  return server.url
}
