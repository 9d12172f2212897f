/** Whatever clients and the gateway do, and in whatever order: in the end nothing is in flight. */
import { once } from 'node:events'
import { BlockList, type Socket, connect } from 'node:net'
import * as fc from 'fast-check'
import { expect, it, onTestFinished } from 'vitest'
import { type HttpServer, startHttpServer } from '../../src/node/server/http-server.ts'
import { rawRequest } from '../kit/raw-client.ts'
import { servedGateway } from '../kit/served-gateway.ts'

const silence = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} }

/** What a client does with its connection. */
const clientStep = fc.constantFrom(
  'request',
  'request',
  'head of a request',
  'body of a request',
  'offer of h2c',
  'ten requests',
  'thirty requests',
  'half-close',
  'go away',
  'stop reading',
)
/** How the gateway ends the oldest request that it has not answered. */
const gatewayStep = fc.constantFrom(
  'answer',
  'answer',
  'stream',
  'end a stream',
  'fail',
  'long answer',
)
const step = fc.oneof(
  fc.record({ client: fc.nat(2), does: clientStep }),
  fc.record({ gateway: gatewayStep }),
  fc.constant({ turns: 3 }),
)

const BYTES: Readonly<Record<string, string>> = {
  request: rawRequest('GET /'),
  'head of a request': rawRequest('POST /', { 'content-length': '4' }),
  'body of a request': 'body',
  'offer of h2c': rawRequest('POST /', { connection: 'Upgrade', upgrade: 'h2c' }, 'body'),
  'ten requests': rawRequest('GET /').repeat(10),
  'thirty requests': rawRequest('GET /').repeat(30),
}

interface Pending {
  resolve(response: Response): void
  reject(error: Error): void
}

/** A gateway whose responses a test gives, one by one. */
function gatewayByHand() {
  const pending: Pending[] = []
  const streams: ReadableStreamDefaultController<Uint8Array>[] = []
  const gateway = servedGateway({
    fetch: (request) =>
      new Promise<Response>((resolve, reject) => {
        pending.push({ resolve, reject })
        request.text().catch(() => undefined)
      }),
  })
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
      // Its client has gone: it was cancelled.
    }
  }
  function does(what: string): void {
    if (what === 'end a stream') return endStream()
    const oldest = pending.shift()
    if (what === 'answer') oldest?.resolve(new Response('an answer'))
    if (what === 'long answer') oldest?.resolve(new Response('x'.repeat(4_000_000)))
    if (what === 'stream') oldest?.resolve(openStream())
    if (what === 'fail') oldest?.reject(new Error('The gateway failed.'))
  }
  return { gateway, does, pending: () => pending.length }
}

async function turns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn += 1) await new Promise(setImmediate)
}

function act(socket: Socket | undefined, does: string): void {
  if (does === 'go away') socket?.destroy()
  else if (does === 'half-close') socket?.end()
  else if (does === 'stop reading') socket?.pause()
  else if (socket?.writable === true) socket.write(BYTES[does] ?? '')
}

async function dial({ url }: HttpServer): Promise<Socket> {
  const socket = connect({ port: Number(new URL(url).port), host: '127.0.0.1', noDelay: true })
  socket.on('error', () => socket.destroy())
  await once(socket, 'connect')
  return socket.resume()
}

it('for any order of requests, bodies, responses, streams and connections that close', async () => {
  const listener = await startHttpServer({
    host: '127.0.0.1',
    port: 0,
    trustedProxies: new BlockList(),
  })
  onTestFinished(() => listener.close(0))
  const byHand = gatewayByHand()
  listener.serve(byHand.gateway, silence)

  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 3, maxLength: 40 }), async (steps) => {
      const clients = [await dial(listener), await dial(listener), await dial(listener)]
      for (const one of steps) {
        if ('turns' in one) await turns(one.turns)
        else if ('gateway' in one) byHand.does(one.gateway)
        else act(clients[one.client], one.does)
        // At most one on each connection.
        expect(listener.load().inFlight).toBeLessThanOrEqual(clients.length)
      }
      // Half of the time clients go first, and half of the time responses come first.
      if (steps.length % 2 === 0) for (const client of clients) client.destroy()
      for (let round = 0; round < 50 && listener.load().inFlight > 0; round += 1) {
        await turns(4)
        byHand.does('answer')
      }
      expect(listener.load()).toMatchObject({ inFlight: 0, queued: 0, rejectingForMs: null })
      while (byHand.pending() > 0) byHand.does('answer')
      for (const client of clients) client.destroy()
    }),
    { numRuns: 300 },
  )
  const startedAt = performance.now()
  await listener.close(10_000)
  expect(performance.now() - startedAt).toBeLessThan(3000)
})
