/** Callbacks while SQLite's write lock is held: their results cannot be recorded. */
import { type ServerResponse, createServer } from 'node:http'
import Database from 'better-sqlite3'
import { expect, onTestFinished, test } from 'vitest'
import { callbackVariables } from '../kit/callback-target.ts'
import { type TestGateway, startTestGateway } from '../kit/gateway.ts'
import { listenInTest } from '../kit/listen.ts'
import { fillOutbox } from './fill-outbox.ts'

/** Callbacks that a gateway sends at the same time. */
const SLOTS = 32
/** Uploads with a callback that is due. */
const DUE = 1000

/** A target that responds with 204 once `open` was called. */
async function startTarget() {
  let received = 0
  let isOpen = false
  const waiting: ServerResponse[] = []
  const server = createServer((request, response) => {
    received += 1
    request.resume()
    if (isOpen) response.writeHead(204).end()
    else waiting.push(response)
  })
  const { origin } = await listenInTest(server)
  return {
    url: `${origin}/`,
    received: () => received,
    open() {
      isOpen = true
      for (const response of waiting) response.writeHead(204).end()
    },
  }
}

function reportedUnavailable({ logs }: TestGateway): boolean {
  return logs.some(({ message }) => message === 'database unavailable; callbacks wait')
}

test('a few hundred callbacks are sent, and the others when results can be recorded', async () => {
  const target = await startTarget()
  const gateway = await startTestGateway(callbackVariables(target))
  // Of the four of each upload, the first is due.
  fillOutbox(gateway.databaseFile, target.url, 4 * DUE)
  await expect.poll(target.received).toBe(SLOTS)

  const other = new Database(gateway.databaseFile)
  onTestFinished(() => void other.close())
  other.exec('begin immediate')
  target.open()
  await expect.poll(() => reportedUnavailable(gateway), { timeout: 15_000 }).toBe(true)
  expect(target.received()).toBeLessThan(10 * SLOTS)

  other.exec('rollback')
  gateway.clock.advance(16)
  await expect.poll(target.received, { timeout: 10_000 }).toBeGreaterThan(10 * SLOTS)
}, 40_000)
