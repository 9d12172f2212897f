/** Requests that arrive together start in several ticks of the event loop, in the turns of their clients. */
import { describe, expect, onTestFinished, test, vi } from 'vitest'

import { StoredBytes } from '../../src/emulator/state/stored-bytes.ts'
import { Turns } from '../../src/emulator/turns.ts'
import { FilePartScanner } from '../../src/emulator/upload-host/file-part-scanner.ts'
import { startTestEmulator } from '../kit/emulator.ts'
import { testcardFile } from '../kit/media.ts'
import { type RawClient, openRaw, rawRequest } from '../kit/raw-client.ts'
import { createStreamClient } from './kit/stream-client.ts'

const CLIENTS = 100

/** A tick of the test may overlap with two ticks of the emulator, each of which has 16 turns. */
const MAX_PER_TICK = 2 * 16

/** Counts calls of `add` in each tick of the event loop, until the test ends. */
function countPerTick() {
  let counts = [0]
  let isRunning = true
  const nextTick = () => {
    counts.push(0)
    if (isRunning) setImmediate(nextTick)
  }
  setImmediate(nextTick)
  onTestFinished(() => {
    isRunning = false
  })
  return {
    add: () => {
      counts.push((counts.pop() ?? 0) + 1)
    },
    reset: () => {
      counts = [0]
    },
    total: () => counts.reduce((sum, count) => sum + count),
    max: () => Math.max(...counts),
  }
}

/** Opens connections that the emulator has accepted: it accepts one per tick, later than the client. */
async function openAccepted(url: string): Promise<readonly RawClient[]> {
  const clients = await Promise.all(Array.from({ length: CLIENTS }, () => openRaw(url)))
  for (const { socket } of clients) socket.write(rawRequest('GET /'))
  await Promise.all(clients.map((client) => client.until('HTTP/1.1 200')))
  return clients
}

test('starts 16 requests per tick of those that arrive in one', async () => {
  const starts = countPerTick()
  const now = () => {
    starts.add()
    return Date.now()
  }
  const emulator = await startTestEmulator({ clock: { now } })
  const { uploadURL } = await createStreamClient(emulator).mintBasic({ maxDurationSeconds: 60 })
  const clients = await openAccepted(emulator.url)
  starts.reset()
  // Each request reads the clock once: its file is too large.
  const form = rawRequest(`POST ${new URL(uploadURL).pathname}`, { 'content-length': '300000000' })
  for (const { socket } of clients) socket.write(form)
  await Promise.all(clients.map((client) => client.until('HTTP/1.1 413')))
  expect(starts.total()).toBe(CLIENTS)
  expect(starts.max()).toBeLessThanOrEqual(MAX_PER_TICK)
})

test('reads 16 pieces of forms per tick of those that arrive in one', async () => {
  const pieces = countPerTick()
  const emulator = await startTestEmulator()
  const stream = createStreamClient(emulator)
  const clients = await openAccepted(emulator.url)
  const headers = { 'content-type': 'multipart/form-data; boundary=x', 'content-length': '7' }
  for (const { socket } of clients) {
    const { uploadURL } = await stream.mintBasic({ maxDurationSeconds: 60 })
    socket.write(rawRequest(`POST ${new URL(uploadURL).pathname}`, headers))
  }
  await expect.poll(async () => (await emulator.state()).requests['upload']).toBe(CLIENTS)
  const push = vi.spyOn(FilePartScanner.prototype, 'push')
  onTestFinished(() => push.mockRestore())
  push.mockImplementation(function* countPiece() {
    pieces.add()
    yield Buffer.alloc(0)
  })
  pieces.reset()
  for (const { socket } of clients) socket.write('--x--\r\n')
  await Promise.all(clients.map((client) => client.until('HTTP/1.1 400')))
  expect(pieces.total()).toBe(CLIENTS)
  expect(pieces.max()).toBeLessThanOrEqual(MAX_PER_TICK)
})

test('reads 16 tus chunks per tick of those that arrive in one', async () => {
  const pieces = countPerTick()
  const emulator = await startTestEmulator()
  const stream = createStreamClient(emulator)
  const clients = await openAccepted(emulator.url)
  const headers = {
    'tus-resumable': '1.0.0',
    'upload-offset': '0',
    'content-type': 'application/offset+octet-stream',
    'content-length': '1000',
  }
  for (const { socket } of clients) {
    const { uploadURL } = await stream.mintTus(1000)
    socket.write(rawRequest(`PATCH ${new URL(uploadURL).pathname}`, headers))
  }
  await expect.poll(async () => (await emulator.state()).requests['tus_patch']).toBe(CLIENTS)
  const add = vi.spyOn(StoredBytes.prototype, 'add')
  onTestFinished(() => add.mockRestore())
  add.mockImplementation(() => pieces.add())
  pieces.reset()
  // Not to the end, which would start the reading of files.
  for (const { socket } of clients) socket.write(Buffer.alloc(500))
  await expect.poll(pieces.total).toBe(CLIENTS)
  expect(pieces.max()).toBeLessThanOrEqual(MAX_PER_TICK)
})

test('a body that is not read takes a turn for each piece', async () => {
  const emulator = await startTestEmulator()
  const stream = createStreamClient(emulator)
  const { uploadURL } = await stream.mintBasic({ maxDurationSeconds: 60 })
  expect((await stream.sendFile(uploadURL, testcardFile())).status).toBe(200)
  const client = await openRaw(emulator.url)
  const next = vi.spyOn(Turns.prototype, 'next')
  onTestFinished(() => next.mockRestore())
  const line = `POST ${new URL(uploadURL).pathname}`
  const headers = { connection: 'close', 'content-length': '1048576' }
  client.socket.write(rawRequest(line, headers))
  client.socket.write(Buffer.alloc(1_048_576))
  expect(await client.closed()).toContain('HTTP/1.1 409')
  // Node reads at most 64 KiB at once.
  expect(next.mock.calls.length).toBeGreaterThanOrEqual(1 + 16)
})

/** Turns on a simulated event loop, and the order of starts in each tick. */
function simulate(costMs: number) {
  let now = 0
  let due: (() => void)[] = []
  const turns = new Turns({ now: () => now, later: (run) => due.push(run) })
  let order: string[] = []
  return {
    request: async (client: string): Promise<void> => {
      await turns.next(client)
      now += costMs
      order.push(client)
    },
    /** Runs the microtasks, then the callbacks of a tick. Returns the clients whose work has started. */
    tick: async (): Promise<string> => {
      await Promise.resolve()
      const callbacks = due
      due = []
      for (const run of callbacks) {
        run()
        await Promise.resolve()
      }
      const started = order.join('')
      order = []
      return started
    },
    isIdle: () => due.length === 0,
  }
}

describe('the turns', () => {
  test('of a tick end after 4 ms', async () => {
    const { isIdle, request, tick } = simulate(3)
    for (let count = 0; count < 5; count += 1) {
      void request('a')
      await Promise.resolve()
    }
    expect(await tick()).toBe('aa')
    expect(await tick()).toBe('aa')
    expect(await tick()).toBe('a')
    await tick()
    expect(isIdle()).toBe(true)
  })

  test('of a client with few requests do not wait for those of a client with many', async () => {
    const { request, tick } = simulate(2)
    for (const client of 'aaaaaaaabac') {
      void request(client)
      await Promise.resolve()
    }
    expect(await tick()).toBe('aa')
    expect([await tick(), await tick(), await tick()]).toEqual(['ab', 'ca', 'aa'])
  })
})
