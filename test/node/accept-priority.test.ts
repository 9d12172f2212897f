/** Hundreds of connections wait to be accepted while work is slow: a later connection is still accepted soon. */
import { once } from 'node:events'
import { type Socket, connect } from 'node:net'
import { expect, it, onTestFinished } from 'vitest'
import { createScheduling } from '../../src/node/server/accept-priority.ts'
import { openRaw, openRawSocket, rawFrames, rawRequest } from '../kit/raw-client.ts'
import { serveInTest, webSocketsWith } from '../kit/served-gateway.ts'

const SLOW_MS = 100
/** Number of slow requests or messages. All of them take six seconds. */
const MANY = 60

/** Counts slow work, which blocks the event loop. */
function createSlowWork() {
  let started = 0
  return {
    started: () => started,
    run(): void {
      started += 1
      const startedAt = performance.now()
      while (performance.now() - startedAt < SLOW_MS);
    },
  }
}

async function flood(url: string, bytes: string): Promise<void> {
  const { hostname, port } = new URL(url)
  const sockets = Array.from({ length: MANY }, (): Socket => {
    const socket = connect({ port: Number(port), host: hostname })
    socket.on('error', () => socket.destroy())
    onTestFinished(() => void socket.destroy())
    socket.write(bytes)
    return socket
  })
  await Promise.all(sockets.map((socket) => once(socket, 'connect')))
}

async function expectHealthy(url: string): Promise<void> {
  const probe = await openRaw(url, '127.0.0.2')
  probe.socket.write(rawRequest('GET /healthz'))
  expect(await probe.until('alive')).toMatch(/^HTTP\/1\.1 200 /)
}

it('accepts a connection before it serves most of the slow requests of 60 connections before it', async () => {
  const work = createSlowWork()
  async function fetch({ url }: Request): Promise<Response> {
    if (!url.endsWith('/healthz')) work.run()
    return new Response('alive')
  }
  const server = await serveInTest({ fetch })
  await flood(server.url, rawRequest('GET /slow'))
  await expectHealthy(server.url)
  expect(work.started()).toBeGreaterThan(0)
  expect(work.started()).toBeLessThan(MANY / 4)
})

it('accepts a connection before it handles most of the slow messages that were sent before it', async () => {
  const work = createSlowWork()
  const webSockets = webSocketsWith(() => work.run())
  const server = await serveInTest({ fetch: async () => new Response('alive'), webSockets })
  const { socket } = await openRawSocket(server.url)
  socket.write(Buffer.concat(Array.from({ length: MANY }, () => rawFrames('a message'))))
  await flood(server.url, '')
  await expectHealthy(server.url)
  expect(work.started()).toBeGreaterThan(0)
  expect(work.started()).toBeLessThan(MANY / 4)
})

it('pauses work after slow ticks that accept a connection, and only as long as the latest one took', () => {
  let now = 0
  let due: (() => void)[] = []
  const { acceptPriority } = createScheduling({ now: () => now, later: (run) => due.push(run) })
  const released: number[] = []
  function runTick(ms: number, acceptsConnection = true): boolean {
    if (acceptsConnection) acceptPriority.connectionAccepted()
    if (!acceptPriority.isPaused()) acceptPriority.workStarted()
    acceptPriority.whenNotPaused(() => released.push(now))
    now += ms
    const callbacks = due
    due = []
    for (const run of callbacks) run()
    return acceptPriority.isPaused()
  }
  expect([runTick(200), runTick(200), runTick(10), runTick(10)]).toEqual([false, true, true, true])
  expect(released).toEqual([0, 200])
  expect([runTick(200), runTick(100)]).toEqual([false, true])
  expect(released).toEqual([0, 200, 620, 620, 620, 620])
  expect([runTick(1, false), due.length]).toEqual([false, 0])
  expect(released).toHaveLength(7)
})
