/** The HTTP server accepts a bounded number of connections. */
import { BlockList } from 'node:net'
import { expect, it, onTestFinished } from 'vitest'
import { startHttpServer } from '../../src/node/server/http-server.ts'
import { openRaw, rawRequest } from '../kit/raw-client.ts'
import { servedGateway, silentLogger } from '../kit/served-gateway.ts'

it('closes connections above the maximum, and serves further ones after others have closed', async () => {
  const server = await startHttpServer({
    host: '127.0.0.1',
    port: 0,
    trustedProxies: new BlockList(),
    maxConnections: 3,
  })
  onTestFinished(() => server.close(0))
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
