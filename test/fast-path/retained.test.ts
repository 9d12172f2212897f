/** Memory that an open subscription retains of its request and of its events. */
import { once } from 'node:events'
import { connect } from 'node:net'
import { describe, expect, it, onTestFinished } from 'vitest'
import { reachableBytes } from '../kit/collect-garbage.ts'
import { openWebSocket } from '../kit/web-socket.ts'
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

/** End of every event of a stream. */
const END = '}\n\n'

/** Opens the subscriptions, and waits for their first events. Returns a function that counts the events so far. */
async function subscribeByEvents(url: string, bodies: readonly string[]): Promise<() => number> {
  const { hostname, port } = new URL(url)
  let events = 0
  for (const [index, body] of bodies.entries()) {
    const socket = connect(Number(port), hostname)
    onTestFinished(() => void socket.destroy())
    let tail = ''
    socket.setEncoding('latin1').on('data', (chunk: string) => {
      const text = tail + chunk
      events += text.split(END).length - 1
      tail = text.slice(1 - END.length)
    })
    const head = [
      'POST /graphql HTTP/1.1',
      `host: ${hostname}`,
      'accept: text/event-stream',
      'content-type: application/json',
      `content-length: ${body.length}`,
    ]
    socket.write(`${head.join('\r\n')}\r\n\r\n${body}`)
    await until(() => events > index, 'the first event')
  }
  return () => events
}

async function subscribeBySocket(url: string, bodies: readonly string[]): Promise<() => number> {
  const socket = await openWebSocket(url)
  socket.send('{"type":"connection_init"}')
  await once(socket, 'message')
  let events = 0
  socket.on('message', () => {
    events += 1
  })
  for (const [id, body] of bodies.entries()) {
    socket.send(`{"id":"${id}","type":"subscribe","payload":${body}}`)
  }
  await until(() => events === bodies.length, 'the first events')
  return () => events
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

/** Uploads of a page, with metas that take 26 KB each when parsed. */
const PAGE = 100
const LARGE_META = Object.fromEntries(
  Array.from({ length: 580 }, (_, key) => [key.toString(36), 1]),
)
/** Bytes that each may retain on average, of a page of 2.6 MB: one of the pages may still be in use. */
const MAX_EVENT_BYTES = 100_000

function listBody(fields: string): string {
  const query = `subscription { uploadList(first: ${PAGE}) { page { nodes { ${fields} } } changed { node { ${fields} } } } }`
  return JSON.stringify({ query })
}

describe('an idle subscription', () => {
  it.each([
    ['SSE', subscribeByEvents],
    ['WebSocket', subscribeBySocket],
  ] as const)(
    'retains no event that was sent: %s, fallback',
    { timeout: 60_000 },
    async (_name, subscribe) => {
      const setup = await createSetup({ auth: OPEN })
      const [upload] = await Promise.all(
        Array.from({ length: PAGE }, () => createTestUpload(setup, {}, LARGE_META)),
      )

      /** Returns the bytes of each subscription after the page, and after a change. */
      async function bytesOfEach(fields: string): Promise<readonly [number, number]> {
        const before = await reachableBytes()
        const bodies = Array.from({ length: SUBSCRIPTIONS }, () => listBody(fields))
        const events = await subscribe(setup.fallback, bodies)
        const afterPages = await reachableBytes()
        const count = events()
        await upload?.record('bytes')
        await until(() => events() === count + SUBSCRIPTIONS, 'the changes')
        const afterChanges = await reachableBytes()
        return [(afterPages - before) / SUBSCRIPTIONS, (afterChanges - before) / SUBSCRIPTIONS]
      }

      const [smallPage, smallChange] = await bytesOfEach('uid')
      const [largePage, largeChange] = await bytesOfEach('uid meta')
      expect(largePage - smallPage).toBeLessThan(MAX_EVENT_BYTES)
      expect(largeChange - smallChange).toBeLessThan(MAX_EVENT_BYTES)
    },
  )
})
