/** A request whose body turns out to be empty gets a response. */
import { expect, it } from 'vitest'
import { startTestGateway } from '../kit/gateway.ts'
import { openRaw } from '../kit/raw-client.ts'

const HEAD = 'host: localhost\r\ncontent-type: application/json\r\n'

it.each([
  ['an empty chunked body', 'transfer-encoding: chunked\r\n\r\n0\r\n\r\n'],
  ['a length of 00', 'content-length: 00\r\n\r\n'],
  ['a length of 0', 'content-length: 0\r\n\r\n'],
  ['neither length nor encoding', '\r\n'],
])('with %s', async (_name, rest) => {
  const gateway = await startTestGateway()
  for (const path of ['/graphql', '/tus', '/webhooks/stream']) {
    const client = await openRaw(gateway.url)
    client.socket.write(`POST ${path} HTTP/1.1\r\n${HEAD}${rest}`)
    expect(await client.until('\r\n\r\n')).toMatch(/^HTTP\/1\.1 4\d\d /)
    client.socket.destroy()
  }
})
