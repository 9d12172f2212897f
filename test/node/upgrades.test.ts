/** HTTP upgrades: WebSocket is accepted at /graphql, all other protocols are ignored. */
import { describe, expect, it } from 'vitest'
import { startTestGateway } from '../kit/gateway.ts'
import { scrape } from '../kit/metrics.ts'
import { openRaw, rawRequest } from '../kit/raw-client.ts'

const H2C = {
  connection: 'Upgrade, HTTP2-Settings',
  upgrade: 'h2c',
  'http2-settings': 'AAMAAABkAAQAAP__',
}
const JSON_TYPE = { 'content-type': 'application/json' }
const QUERY = '{"query":"{ __typename }"}'
const RESULT = '{"data":{"__typename":"Query"}}'

describe('a request that offers h2c', () => {
  it('gets the response to its body, and the connection closes', async () => {
    const gateway = await startTestGateway()
    const client = await openRaw(gateway.url)
    client.socket.write(rawRequest('POST /graphql', { ...JSON_TYPE, ...H2C }, QUERY))
    const received = await client.closed()
    expect(received).toMatch(/^HTTP\/1\.1 200 /)
    expect(received).toContain(RESULT)
    expect((await scrape(gateway.url)).value('headgate_requests_in_flight')).toBe(0)
  })

  it('gets a response if its body arrives later, in chunks', async () => {
    const gateway = await startTestGateway()
    const client = await openRaw(gateway.url)
    client.socket.write(
      rawRequest('POST /graphql', { ...JSON_TYPE, ...H2C, 'transfer-encoding': 'chunked' }),
    )
    for (const part of [QUERY.slice(0, 5), QUERY.slice(5)]) {
      await new Promise(setImmediate)
      client.socket.write(`${part.length.toString(16)}\r\n${part}\r\n`)
    }
    client.socket.write('0\r\n\r\n')
    expect(await client.closed()).toContain(RESULT)
  })

  it('gets a response on a connection that was used before', async () => {
    const gateway = await startTestGateway()
    const client = await openRaw(gateway.url)
    client.socket.write(rawRequest('GET /healthz'))
    await client.until('"alive"')
    client.socket.write(rawRequest('GET /graphql?query={__typename}', H2C))
    expect(await client.closed()).toContain(RESULT)
  })
})

describe('an upgrade to WebSocket', () => {
  const websocket = {
    connection: 'Upgrade',
    upgrade: 'websocket',
    'sec-websocket-version': '13',
    'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
    'sec-websocket-protocol': 'graphql-transport-ws',
  }

  it('closes the connection if it is pipelined behind a request', async () => {
    const gateway = await startTestGateway()
    await gateway.emulator.fault({ on: 'direct_upload', delayMs: 500 })
    const client = await openRaw(gateway.url)
    const mint =
      '{"query":"mutation { createDirectUpload(input: { maxDurationSeconds: 60 }) { __typename } }"}'
    client.socket.write(
      rawRequest('POST /graphql', JSON_TYPE, mint) + rawRequest('GET /graphql', websocket),
    )
    expect(await client.closed()).toBe('')
    expect((await scrape(gateway.url)).value('headgate_requests_in_flight')).toBe(0)
  })

  it.each([
    ['another path', 'GET /elsewhere', {}, '404 Not Found'],
    ['another origin', 'GET /graphql', { origin: 'https://evil.example' }, '403 Forbidden'],
  ])('to %s is rejected', async (_to, line, headers, status) => {
    const gateway = await startTestGateway()
    const client = await openRaw(gateway.url)
    client.socket.write(rawRequest(line, { ...websocket, ...headers }))
    expect(await client.closed()).toContain(`HTTP/1.1 ${status}\r\n`)
  })
})
