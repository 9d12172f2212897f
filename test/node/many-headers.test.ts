/** Requests with many headers: of those above the limit, Node's parser obeys headers that it does not show. */
import { describe, expect, it } from 'vitest'
import { startTestGateway } from '../kit/gateway.ts'
import { RAW_UPGRADE, openRaw } from '../kit/raw-client.ts'

const BODY = '{"query":"{ __typename }"}'

function others(count: number): string {
  return Array.from({ length: count }, (_, index) => `x${index}: 1\r\n`).join('')
}

/** A request with this many headers, of which Content-Length and Content-Type are the last. */
function requestWith(headers: number): string {
  return `POST /graphql HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n${others(headers - 4)}Content-Type: application/json\r\nContent-Length: ${BODY.length}\r\n\r\n${BODY}`
}

async function responseTo(bytes: string): Promise<string> {
  const gateway = await startTestGateway()
  const client = await openRaw(gateway.url)
  client.socket.write(bytes)
  return client.closed()
}

describe('a request', () => {
  it.each([4, 100, 200])('is served with %i headers', async (headers) => {
    const response = await responseTo(requestWith(headers))
    expect(response).toMatch(/^HTTP\/1\.1 200 /)
    expect(response).toContain('__typename')
  })

  it('is rejected with one header more', async () => {
    const response = await responseTo(requestWith(201))
    expect(response).toMatch(/^HTTP\/1\.1 431 /)
    expect(response).toContain('Too many headers (limit: 200).')
  })

  // Node 24 rejects them by itself, without a text.
  it.each([202, 2000])('is rejected with %i headers', async (headers) => {
    expect(await responseTo(requestWith(headers))).toMatch(/^HTTP\/1\.1 431 /)
  })

  it('is not processed as another one if a header of its body is not shown', async () => {
    const inner = 'GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n'
    const response = await responseTo(
      `POST /graphql HTTP/1.1\r\nHost: 127.0.0.1\r\n${others(300)}Content-Length: ${inner.length}\r\n\r\n${inner}`,
    )
    expect(response.match(/HTTP\/1\.1 \d+/g)).toEqual(['HTTP/1.1 431'])
  })
})

describe('an upgrade', () => {
  const [line = '', ...headers] = RAW_UPGRADE.split('\r\n')

  it.each([
    ['before the others', `${headers.slice(0, -2).join('\r\n')}\r\n${others(300)}\r\n`],
    ['after the others, where it is not shown', `${others(300)}${headers.join('\r\n')}`],
  ])('is rejected %s', async (_where, all) => {
    expect(await responseTo(`${line}\r\n${all}`)).toMatch(/^HTTP\/1\.1 431 /)
  })

  it('with too many headers, whose client resets the connection, does not end the process', async () => {
    const gateway = await startTestGateway()
    const request = `${line}\r\n${others(300)}${headers.join('\r\n')}`
    for (let count = 0; count < 50; count += 1) {
      const { socket } = await openRaw(gateway.url)
      await new Promise<void>((resolve) => socket.write(request, () => resolve()))
      socket.resetAndDestroy()
    }
    // An error without a listener would fail this test file.
    expect((await fetch(`${gateway.url}/healthz`)).status).toBe(200)
  })
})
