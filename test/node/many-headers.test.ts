/** Requests with more headers than Node shows by default. */
import { expect, it } from 'vitest'
import { startTestGateway } from '../kit/gateway.ts'
import { openRaw } from '../kit/raw-client.ts'

const BODY = '{"query":"{ __typename }"}'

/** A request whose Content-Length and Content-Type follow this many other headers. */
function requestAfter(headers: number): string {
  const others = Array.from({ length: headers }, (_, index) => `x${index}: 1\r\n`).join('')
  return `POST /graphql HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n${others}Content-Type: application/json\r\nContent-Length: ${BODY.length}\r\n\r\n${BODY}`
}

it.each([0, 99, 100, 2000])('reads the headers after %i others', async (headers) => {
  const gateway = await startTestGateway()
  const client = await openRaw(gateway.url)
  client.socket.write(requestAfter(headers))
  expect(await client.until('__typename')).toMatch(/^HTTP\/1\.1 200 /)
})
