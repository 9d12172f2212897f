/** Clients that read slower than an upload changes receive the newest state, and are buffered for within a limit. */
import { once } from 'node:events'
import { connect } from 'node:net'
import { describe, expect, it, onTestFinished } from 'vitest'
import { type WebSocket, WebSocketServer } from 'ws'
import { createScheduling } from '../../src/node/server/accept-priority.ts'
import { createTurns } from '../../src/node/server/turns.ts'
import { createMessageQueue } from '../../src/node/server/message-queue.ts'
import { handleWebSocket } from '../../src/node/server/websocket-connection.ts'
import { type Setup, createSetup } from './setup.ts'
import { createTestUpload } from './upload-histories.ts'
import { openSocket, ticks, until, openEventStream } from './subscription-clients.ts'

const OPEN = { kind: 'disabled' } as const
/** Makes an event 160 KB large, so that few events fill the socket buffers of the system. */
const METAS = Array.from({ length: 40 }, (_, index) => `m${index}: meta`).join(' ')
const WATCH = `subscription ($uid: ID!) { uploadStatus(uid: $uid) { status version ${METAS} } }`
const LARGE = { text: 'x'.repeat(3900) }
const CHANGES = 150

function versionsIn(texts: readonly string[]): readonly number[] {
  return texts.map((text) => Number(/"version":(\d+)/.exec(text)?.[1]))
}

function isIncreasing(versions: readonly number[]): boolean {
  return versions.every((version, index) => index === 0 || version > (versions[index - 1] ?? 0))
}

/** The length is compared first: searching hundreds of megabytes of events in each tick is slow. */
function isComplete(text: string): boolean {
  return text.length < 100 && text.includes('"complete"')
}

function bodyFor(uid: string): string {
  return JSON.stringify({ query: WATCH, variables: { uid } })
}

function subscribe(id: string, uid: string): object {
  return { id, type: 'subscribe', payload: { query: WATCH, variables: { uid } } }
}

describe('a slow client', () => {
  it('of an event stream receives the newest state and the last', { timeout: 60_000 }, async () => {
    const setup = await createSetup({ auth: OPEN })
    const warmUpUpload = await createTestUpload(setup, {}, LARGE)
    for (let count = 0; count < 2; count += 1) {
      const client = openEventStream(setup.fast, bodyFor(warmUpUpload.uid))
      await client.opened
      client.disconnect()
    }
    const upload = await createTestUpload(setup, {}, LARGE)
    const quick = openEventStream(setup.fast, bodyFor(upload.uid))
    const slow = connect(Number(new URL(setup.fast).port), '127.0.0.1')
    onTestFinished(() => void slow.destroy())
    const body = bodyFor(upload.uid)
    slow.write(
      `POST /graphql HTTP/1.1\r\nhost: x\r\naccept: text/event-stream\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
    )
    slow.pause()
    await until(
      () => setup.joinedSubscriptions() === 2 && quick.results.length === 1,
      'both subscriptions',
    )
    for (let count = 1; count < CHANGES; count += 1) await upload.record('bytes')
    await upload.record('ready')
    await until(() => quick.ended() !== null, 'the end')
    expect(versionsIn(quick.results)).toEqual(
      Array.from({ length: CHANGES + 1 }, (_, index) => index + 1),
    )
    let received = ''
    slow.setEncoding('utf8')
    slow.on('data', (chunk: string) => {
      received += chunk
    })
    slow.resume()
    await until(() => received.includes('event: complete'), 'the end of the slow client')
    const versions = [...received.matchAll(/"version":(\d+)/g)].map(([, version]) =>
      Number(version),
    )
    expect(isIncreasing(versions)).toBe(true)
    expect(versions.at(-1)).toBe(CHANGES + 1)
    expect(versions.length).toBeLessThan(CHANGES)
  })

  it('of a WebSocket receives the newest state and the last', { timeout: 60_000 }, async () => {
    const setup = await createSetup({ auth: OPEN })
    const [slow, quick] = [await openSocket(setup.fast), await openSocket(setup.fast)]
    const warmUpUpload = await createTestUpload(setup, {}, LARGE)
    for (const id of ['1', '2']) {
      quick.send(subscribe(id, warmUpUpload.uid))
      await until(() => quick.messages.some((text) => text.startsWith(`{"id":"${id}"`)))
      quick.send({ id, type: 'complete' })
    }
    const upload = await createTestUpload(setup, {}, LARGE)
    const before = quick.messages.length
    for (const client of [slow, quick]) client.send(subscribe('3', upload.uid))
    await until(
      () => slow.messages.length === 1 && quick.messages.length > before,
      'both subscriptions',
    )
    expect(setup.joinedSubscriptions()).toBe(2)
    slow.socket.pause()
    for (let count = 1; count < CHANGES; count += 1) await upload.record('bytes')
    await upload.record('ready')
    await until(() => quick.messages.at(-1)?.includes('"complete"') === true, 'the end')
    expect(slow.messages.length).toBeLessThan(CHANGES)
    slow.socket.resume()
    await until(
      () => slow.messages.at(-1)?.includes('"complete"') === true,
      'the end of the slow client',
    )
    await ticks(10)
    const versions = versionsIn(slow.messages.slice(0, -1))
    expect(isIncreasing(versions)).toBe(true)
    expect(versions.at(-1)).toBe(CHANGES + 1)
    expect(versions.length).toBeLessThan(CHANGES)
    expect(slow.closed()).toBeNull()
  })

  it(
    'of a WebSocket with many subscriptions has no more unsent bytes than with one',
    {
      timeout: 60_000,
    },
    async () => {
      const setup = await createSetup({ auth: OPEN })
      const { url, serverSockets } = await startSocketServer(setup)
      const [quick, slow] = [await openSocket(url), await openSocket(url)]
      const warmUpUpload = await createTestUpload(setup, {}, LARGE)
      for (const id of ['1', '2']) {
        quick.send(subscribe(id, warmUpUpload.uid))
        await until(() => quick.messages.some((text) => text.startsWith(`{"id":"${id}"`)))
        quick.send({ id, type: 'complete' })
      }
      const upload = await createTestUpload(setup, {}, LARGE)
      const before = quick.messages.length
      quick.send(subscribe('3', upload.uid))
      slow.send(...Array.from({ length: SUBSCRIPTIONS }, (_, id) => subscribe(`${id}`, upload.uid)))
      await until(() => slow.messages.length === SUBSCRIPTIONS && quick.messages.length > before)
      expect(setup.joinedSubscriptions()).toBe(SUBSCRIPTIONS + 1)
      const longest = Math.max(...slow.messages.map(({ length }) => length))
      const server = serverSockets[1]
      if (server === undefined) throw new Error('The server has no second socket.')

      let maxBuffered = 0
      let version = 1
      const change = async () => {
        version += 1
        await upload.record('bytes')
        await until(() => versionsIn(quick.messages.slice(-1))[0] === version, 'the change')
        maxBuffered = Math.max(maxBuffered, server.bufferedAmount)
      }
      for (let round = 1; round <= 3; round += 1) {
        slow.socket.pause()
        // How many megabytes the system buffers for a socket differs between machines.
        for (let left = CHANGES; server.bufferedAmount <= MAX_UNSENT_BYTES; left -= 1) {
          expect(left, 'changes until the system buffers no more').toBeGreaterThan(0)
          await change()
        }
        for (let count = 0; count < 10; count += 1) await change()
        slow.socket.resume()
        await until(() => server.bufferedAmount === 0, 'the client to read')
      }
      // The event that exceeds the limit, and an event that was already being written.
      expect(maxBuffered).toBeLessThan(MAX_UNSENT_BYTES + 2 * (longest + 100))
      slow.socket.resume()
      await upload.record('ready')
      await until(
        () => slow.messages.filter(isComplete).length === SUBSCRIPTIONS,
        'the ends of the slow client',
        30_000,
      )
      for (let id = 0; id < SUBSCRIPTIONS; id += 1) {
        const own = slow.messages.filter((text) => text.startsWith(`{"id":"${id}",`)).slice(0, -1)
        const versions = versionsIn(own)
        expect(isIncreasing(versions)).toBe(true)
        expect(versions.at(-1)).toBe(version + 1)
      }
      expect(slow.closed()).toBeNull()
    },
  )
})

/** Of the slow client. */
const SUBSCRIPTIONS = 30
/** Limit of unsent bytes in websocket-connection.ts, above which a socket is sent no further events. */
const MAX_UNSENT_BYTES = 64 * 1024

/** Starts a WebSocket server of the gateway that gives access to its sockets, in the order they connected. */
async function startSocketServer(setup: Setup) {
  const serverSockets: WebSocket[] = []
  const { webSockets: endpoint } = setup.gateway
  const scheduling = createScheduling()
  const options = {
    server: endpoint,
    fastPath: setup.fastPath,
    log: setup.dependencies.log,
    messageQueue: createMessageQueue(scheduling),
    eventTurns: createTurns(scheduling),
    network: null,
    onAccepted: () => {},
    onWritten: () => {},
  }
  const server = new WebSocketServer({
    port: 0,
    host: '127.0.0.1',
    handleProtocols: () => 'graphql-transport-ws',
  })
  server.on('connection', (socket) => {
    serverSockets.push(socket)
    handleWebSocket(options, socket)
  })
  await once(server, 'listening')
  onTestFinished(() => {
    for (const socket of serverSockets) socket.terminate()
    server.close()
  })
  const address = server.address()
  const port = typeof address === 'object' ? address?.port : null
  return { url: `http://127.0.0.1:${port}`, serverSockets }
}
