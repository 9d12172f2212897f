/** For any order of client and gateway actions, no request is in flight in the end. */
import { once } from 'node:events'
import { type Socket, connect } from 'node:net'
import * as fc from 'fast-check'
import { expect, it } from 'vitest'
import { type HttpServer } from '../../src/node/server/http-server.ts'
import { rawRequest } from '../kit/raw-client.ts'
import { serveInTest } from '../kit/served-gateway.ts'

/** Actions of a client. */
const clientStep = fc.constantFrom(
  'request',
  'request',
  'head of a request',
  'body of a request',
  'h2c upgrade',
  'ten requests',
  'thirty requests',
  'half-close',
  'disconnect',
  'pause reading',
)
/** Actions of the gateway on its oldest request without a response. */
const gatewayStep = fc.constantFrom(
  'respond',
  'respond',
  'stream',
  'end a stream',
  'fail',
  'respond with a large body',
)
const step = fc.oneof(
  fc.record({ client: fc.nat(2), action: clientStep }),
  fc.record({ gateway: gatewayStep }),
  fc.constant({ ticks: 3 }),
)

const BYTES: Readonly<Record<string, string>> = {
  request: rawRequest('GET /'),
  'head of a request': rawRequest('POST /', { 'content-length': '4' }),
  'body of a request': 'body',
  'h2c upgrade': rawRequest('POST /', { connection: 'Upgrade', upgrade: 'h2c' }, 'body'),
  'ten requests': rawRequest('GET /').repeat(10),
  'thirty requests': rawRequest('GET /').repeat(30),
}

interface Pending {
  resolve(response: Response): void
  reject(error: Error): void
}

/** A gateway that responds when the test calls `act`. */
function controlledGateway() {
  const pending: Pending[] = []
  const streams: ReadableStreamDefaultController<Uint8Array>[] = []
  const served = {
    fetch: (request: Request) =>
      new Promise<Response>((resolve, reject) => {
        pending.push({ resolve, reject })
        request.text().catch(() => undefined)
      }),
  }
  function openStream(): Response {
    const body = new ReadableStream<Uint8Array>({
      start: (controller) => {
        controller.enqueue(new TextEncoder().encode(':\n\n'))
        streams.push(controller)
      },
    })
    return new Response(body, { headers: { 'content-type': 'text/event-stream' } })
  }
  function endStream(): void {
    try {
      streams.shift()?.close()
    } catch {
      // The stream was cancelled because its client disconnected.
    }
  }
  function act(action: string): void {
    if (action === 'end a stream') return endStream()
    const oldest = pending.shift()
    if (action === 'respond') oldest?.resolve(new Response('a response'))
    if (action === 'respond with a large body') oldest?.resolve(new Response('x'.repeat(4_000_000)))
    if (action === 'stream') oldest?.resolve(openStream())
    if (action === 'fail') oldest?.reject(new Error('The gateway failed.'))
  }
  return { served, act, pending: () => pending.length }
}

async function ticks(count: number): Promise<void> {
  for (let tick = 0; tick < count; tick += 1) await new Promise(setImmediate)
}

function performAction(socket: Socket | undefined, action: string): void {
  if (action === 'disconnect') socket?.destroy()
  else if (action === 'half-close') socket?.end()
  else if (action === 'pause reading') socket?.pause()
  else if (socket?.writable === true) socket.write(BYTES[action] ?? '')
}

async function connectTo({ url }: HttpServer): Promise<Socket> {
  const socket = connect({ port: Number(new URL(url).port), host: '127.0.0.1', noDelay: true })
  socket.on('error', () => socket.destroy())
  await once(socket, 'connect')
  return socket.resume()
}

it('counts no request in flight after any order of requests, bodies, responses, streams and disconnects', async () => {
  const gateway = controlledGateway()
  const server = await serveInTest(gateway.served)

  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 3, maxLength: 40 }), async (steps) => {
      const clients = [await connectTo(server), await connectTo(server), await connectTo(server)]
      for (const action of steps) {
        if ('ticks' in action) await ticks(action.ticks)
        else if ('gateway' in action) gateway.act(action.gateway)
        else performAction(clients[action.client], action.action)
        // At most one request per connection is in flight.
        expect(server.load().inFlight).toBeLessThanOrEqual(clients.length)
      }
      // In half of the runs clients disconnect before the remaining responses.
      if (steps.length % 2 === 0) for (const client of clients) client.destroy()
      for (let round = 0; round < 50 && server.load().inFlight > 0; round += 1) {
        await ticks(4)
        gateway.act('respond')
      }
      expect(server.load()).toMatchObject({ inFlight: 0, queued: 0, rejectingForMs: null })
      while (gateway.pending() > 0) gateway.act('respond')
      for (const client of clients) client.destroy()
    }),
    { numRuns: 300 },
  )
  const startedAt = performance.now()
  await server.close(10_000)
  expect(performance.now() - startedAt).toBeLessThan(3000)
})
