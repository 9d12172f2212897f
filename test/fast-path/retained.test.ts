/** What an open subscription keeps of the request that opened it. */
import { connect } from 'node:net'
import { describe, expect, it, onTestFinished } from 'vitest'
import { reachableBytes } from '../kit/collect-garbage.ts'
import { setSetup } from './setup.ts'
import { beginStory } from './upload-histories.ts'
import { WATCH, teachUpload } from './subscriptions.ts'
import { openLine, until } from './subscription-clients.ts'

const OPEN = { kind: 'disabled' } as const
const SUBSCRIPTIONS = 40
/** JSON of three bytes for each value, of which each takes many times as much once it is parsed. */
const LONG = JSON.stringify(Array.from({ length: 20_000 }, () => []))
/** Of a body of 60 KB, which takes a megabyte once it is parsed. */
const MAX_BYTES = 10_000

/** Each is another, so that none can be kept instead of the others. */
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
    await until(() => received.includes('event: next'), 'the present state')
  }
}

async function subscribeBySocket(url: string, bodies: readonly string[]): Promise<void> {
  const line = await openLine(url)
  for (const [id, body] of bodies.entries()) {
    line.socket.send(`{"id":"${id}","type":"subscribe","payload":${body}}`)
  }
  await until(() => line.messages.length === bodies.length, 'the present states')
}

describe('an open subscription keeps no variable that its operation does not declare', () => {
  it.each([
    ['SSE, fast path', 'fast', subscribeByEvents],
    ['SSE, fallback', 'long', subscribeByEvents],
    ['WebSocket, fast path', 'fast', subscribeBySocket],
    ['WebSocket, fallback', 'long', subscribeBySocket],
  ] as const)('%s', { timeout: 60_000 }, async (_name, port, subscribe) => {
    const setup = await setSetup({ auth: OPEN })
    await teachUpload(setup)
    const { uid } = await beginStory(setup)

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
    expect(setup.seated()).toBe(port === 'fast' ? 2 * SUBSCRIPTIONS : 0)
    expect(long - short).toBeLessThan(MAX_BYTES)
  })

  it('and no connection keeps the parameters that it was opened with', async () => {
    const setup = await setSetup({ auth: OPEN })
    const params = { undeclared: JSON.parse(LONG) }
    const before = await reachableBytes()
    for (let count = 0; count < SUBSCRIPTIONS; count += 1) {
      const line = await openLine(setup.fast, undefined, params)
      expect(line.closed()).toBeNull()
    }
    const each = ((await reachableBytes()) - before) / SUBSCRIPTIONS
    expect(each).toBeLessThan(100_000)
  })
})
