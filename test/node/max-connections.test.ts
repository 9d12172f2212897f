/** The HTTP server accepts a bounded number of connections. */
import { expect, it } from 'vitest'
import { openRaw, rawRequest } from '../kit/raw-client.ts'
import { servedGateway, silentLogger, startTestServer } from '../kit/served-gateway.ts'

it('closes connections above the maximum, and serves further ones after others have closed', async () => {
  const server = await startTestServer({
    maxConnections: 3,
  })
  server.serve(servedGateway({ fetch: async () => new Response('served') }), silentLogger)
  const [first, second, third] = [
    await openRaw(server.url),
    await openRaw(server.url),
    await openRaw(server.url),
  ]
  for (const client of [first, second, third]) {
    client.socket.write(rawRequest('GET /'))
    await client.until('served')
  }
  const refused = await openRaw(server.url)
  expect(await refused.closed()).toBe('')
  // Open connections are still served.
  second.socket.write(rawRequest('GET /', { connection: 'close' }))
  expect((await second.closed()).split('served')).toHaveLength(3)
  const next = await openRaw(server.url)
  next.socket.write(rawRequest('GET /'))
  expect(await next.until('served')).toContain('HTTP/1.1 200 OK')
})
