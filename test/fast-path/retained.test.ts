/** Memory that an open subscription retains of its request. */
import { connect } from 'node:net'
import { describe, expect, it, onTestFinished } from 'vitest'
import { reachableBytes } from '../kit/collect-garbage.ts'
import { createSetup } from './setup.ts'
import { createTestUpload } from './upload-histories.ts'
import { WATCH, warmUpUpload } from './subscriptions.ts'
import { openSocket, until } from './subscription-clients.ts'

const OPEN = { kind: 'disabled' } as const
const SUBSCRIPTIONS = 40
/** JSON with three bytes a value; a parsed value takes many times as much. */
const LONG = JSON.stringify(Array.from({ length: 20_000 }, () => []))
/** Bytes that a subscription may retain of a 60 KB body, which takes 1 MB when parsed. */
const MAX_BYTES = 10_000

/** All bodies differ, so that no cache entry serves two of them. */
function bodyOf(uid: string, count: number, undeclared: string): string {
  const number = count.toString().padStart(4, '0')
  return `{"query":${JSON.stringify(WATCH)},"variables":{"uid":"${uid}","n":"${number}","undeclared":${undeclared}},"extensions":{"n":${undeclared === LONG ? '[]' : 1}}}`
}

async function subscribeByEvents(url: string, bodies: readonly string[]): Promise<void> {
  const { hostname, port } = new URL(url)
  for (const body of bodies) {
    const socket = connect(Number(port), hostname)
    onTestFinished(() => void socket.destroy())
    let received = ''
    socket.setEncoding('latin1').on('data', (chunk: string) => {
      received += chunk
    })
    const head = [
      'POST /graphql HTTP/1.1',
      `host: ${hostname}`,
      'accept: text/event-stream',
      'content-type: application/json',
      `content-length: ${body.length}`,
    ]
    socket.write(`${head.join('\r\n')}\r\n\r\n${body}`)
    await until(() => received.includes('event: next'), 'the current state')
  }
}

async function subscribeBySocket(url: string, bodies: readonly string[]): Promise<void> {
  const client = await openSocket(url)
  for (const [id, body] of bodies.entries()) {
    client.socket.send(`{"id":"${id}","type":"subscribe","payload":${body}}`)
  }
  await until(() => client.messages.length === bodies.length, 'the current states')
}

describe('an open subscription', () => {
  it.each([
    ['SSE, fast path', 'fast', subscribeByEvents],
    ['SSE, fallback', 'fallback', subscribeByEvents],
    ['WebSocket, fast path', 'fast', subscribeBySocket],
    ['WebSocket, fallback', 'fallback', subscribeBySocket],
  ] as const)(
    'retains no undeclared variable: %s',
    { timeout: 60_000 },
    async (_name, port, subscribe) => {
      const setup = await createSetup({ auth: OPEN })
      await warmUpUpload(setup)
      const { uid } = await createTestUpload(setup)

      async function bytesOfEach(undeclared: string): Promise<number> {
        const before = await reachableBytes()
        const counts = Array.from({ length: SUBSCRIPTIONS }, (_, count) => count)
        await subscribe(
          setup[port],
          counts.map((count) => bodyOf(uid, count, undeclared)),
        )
        return ((await reachableBytes()) - before) / SUBSCRIPTIONS
      }

      const short = await bytesOfEach('[]')
      const long = await bytesOfEach(LONG)
      expect(setup.joinedSubscriptions()).toBe(port === 'fast' ? 2 * SUBSCRIPTIONS : 0)
      expect(long - short).toBeLessThan(MAX_BYTES)
    },
  )

  it('retains no parameters of its connection_init', async () => {
    const setup = await createSetup({ auth: OPEN })
    // 21 KB as text, which may precede the acknowledgment, and more than 160 KB in memory.
    const params = { undeclared: Array.from({ length: 7000 }, () => []) }
    const before = await reachableBytes()
    for (let count = 0; count < SUBSCRIPTIONS; count += 1) {
      const client = await openSocket(setup.fast, undefined, params)
      expect(client.closed()).toBeNull()
    }
    const each = ((await reachableBytes()) - before) / SUBSCRIPTIONS
    expect(each).toBeLessThan(100_000)
  })
})
