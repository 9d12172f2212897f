/** Requests that arrive together start in several ticks of the event loop, in the turns of their clients. */
import { describe, expect, onTestFinished, test } from 'vitest'

import { Turns } from '../../src/emulator/turns.ts'
import { startTestEmulator } from '../kit/emulator.ts'
import { openRaw, rawRequest } from '../kit/raw-client.ts'
import { createStreamClient } from './kit/stream-client.ts'

/** Counts the ticks of the event loop until the test ends. */
function countTicks() {
  const count = { ticks: 0, isRunning: true }
  const next = () => {
    count.ticks += 1
    if (count.isRunning) setImmediate(next)
  }
  setImmediate(next)
  onTestFinished(() => {
    count.isRunning = false
  })
  return count
}

test('starts 16 requests per tick of those that arrive in one', async () => {
  const count = countTicks()
  const startsIn = new Map<number, number>()
  const emulator = await startTestEmulator({
    clock: {
      now: () => {
        startsIn.set(count.ticks, (startsIn.get(count.ticks) ?? 0) + 1)
        return Date.now()
      },
    },
  })
  const { uploadURL } = await createStreamClient(emulator).mintBasic({ maxDurationSeconds: 60 })
  const clients = await Promise.all(Array.from({ length: 200 }, () => openRaw(emulator.url)))
  // The emulator accepts one connection per tick, later than the client.
  for (const { socket } of clients) socket.write(rawRequest('GET /'))
  await Promise.all(clients.map((client) => client.until('HTTP/1.1 200')))
  startsIn.clear()
  // Each request reads the clock once: its file is too large.
  const form = rawRequest(`POST ${new URL(uploadURL).pathname}`, { 'content-length': '300000000' })
  for (const { socket } of clients) socket.write(form)
  await Promise.all(clients.map((client) => client.until('HTTP/1.1 413')))
  expect([...startsIn.values()].reduce((sum, starts) => sum + starts)).toBe(200)
  // A tick of the test has parts of two ticks of the emulator.
  expect(Math.max(...startsIn.values())).toBeLessThanOrEqual(32)
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
