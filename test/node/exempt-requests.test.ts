/** Exempt from load shedding: the first requests of monitoring, not a flood of them. */
import { expect, it } from 'vitest'
import { type RawClient, openRaw, rawRequest } from '../kit/raw-client.ts'
import { serveInTest } from '../kit/served-gateway.ts'

const MAX_IN_FLIGHT = 1000
const MAX_EXEMPT = 16

/** A server that has reached its limit of requests in flight. `/metrics` responds immediately. */
async function startFullServer() {
  const waiting: { readonly path: string; readonly respond: () => void }[] = []
  async function fetch({ url }: Request): Promise<Response> {
    const path = new URL(url).pathname
    if (path !== '/metrics') {
      await new Promise<void>((respond) => {
        waiting.push({ path, respond })
      })
    }
    return new Response('a response')
  }
  const server = await serveInTest({ fetch })
  async function request(path: string): Promise<RawClient> {
    const client = await openRaw(server.url)
    client.socket.write(rawRequest(`GET ${path}`))
    return client
  }
  await Promise.all(Array.from({ length: MAX_IN_FLIGHT }, () => request('/')))
  await expect.poll(() => server.load().inFlight, { timeout: 10_000 }).toBe(MAX_IN_FLIGHT)
  return { server, request, waitingFor: (path: string) => waiting.filter((r) => r.path === path) }
}

it('sheds requests to /readyz above 16 in flight, and accepts again after a response', async () => {
  const { request, waitingFor } = await startFullServer()
  const probes: RawClient[] = []
  for (let index = 0; index < MAX_EXEMPT; index += 1) probes.push(await request('/readyz'))
  await expect.poll(() => waitingFor('/readyz').length).toBe(MAX_EXEMPT)
  for (const path of ['/readyz', '/healthz', '/metrics']) {
    const shed = await request(path)
    expect(await shed.until('\r\n\r\n')).toMatch(/^HTTP\/1\.1 503 /)
  }
  waitingFor('/readyz')[0]?.respond()
  expect(await probes[0]?.until('a response')).toMatch(/^HTTP\/1\.1 200 /)
  const accepted = await request('/metrics')
  expect(await accepted.until('a response')).toMatch(/^HTTP\/1\.1 200 /)
})

it('sheds most of 200 requests to /metrics that arrive together', async () => {
  const { server } = await startFullServer()
  const clients = await Promise.all(Array.from({ length: 200 }, () => openRaw(server.url)))
  for (const client of clients) {
    client.socket.write(rawRequest('GET /metrics'))
    await client.until('a response')
  }
  const { rejected } = server.load()
  // The server has accepted all connections, so that it reads these requests in one tick.
  for (const { socket } of clients)
    socket.write(rawRequest('GET /metrics', { connection: 'close' }))
  await Promise.all(clients.map((client) => client.closed()))
  expect(server.load().rejected - rejected).toBeGreaterThan(100)
  expect(server.load().rejected - rejected).toBeLessThanOrEqual(200 - MAX_EXEMPT)
})
