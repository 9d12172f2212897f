/** Whoever reads slower than things change gets the newest state, and costs no more than others. */
import { once } from 'node:events'
import { connect } from 'node:net'
import { describe, expect, it, onTestFinished } from 'vitest'
import { type WebSocket, WebSocketServer } from 'ws'
import { handleWebSocket } from '../../src/node/server/websocket-connection.ts'
import { type Setup, setSetup } from './setup.ts'
import { beginStory } from './upload-histories.ts'
import { openLine, turns, until, watchByEvents } from './subscription-clients.ts'

const OPEN = { kind: 'disabled' } as const
/** Some hundred kilobytes each time: what the system keeps for a connection is soon full. */
const METAS = Array.from({ length: 40 }, (_, index) => `m${index}: meta`).join(' ')
const WATCH = `subscription ($uid: ID!) { uploadStatus(uid: $uid) { status version ${METAS} } }`
const LARGE = { text: 'x'.repeat(3900) }
const CHANGES = 150

function versionsIn(texts: readonly string[]): readonly number[] {
  return texts.map((text) => Number(/"version":(\d+)/.exec(text)?.[1]))
}

function isGrowing(versions: readonly number[]): boolean {
  return versions.every((version, index) => index === 0 || version > (versions[index - 1] ?? 0))
}

function bodyFor(uid: string): string {
  return JSON.stringify({ query: WATCH, variables: { uid } })
}

function subscribe(id: string, uid: string): object {
  return { id, type: 'subscribe', payload: { query: WATCH, variables: { uid } } }
}

describe('a slow reader', () => {
  it('of events is shown the newest, and the last', { timeout: 60_000 }, async () => {
    const setup = await setSetup({ auth: OPEN })
    const lesson = await beginStory(setup, {}, LARGE)
    for (let count = 0; count < 2; count += 1) {
      const watching = watchByEvents(setup.fast, bodyFor(lesson.uid))
      await watching.opened
      watching.leave()
    }
    const story = await beginStory(setup, {}, LARGE)
    const quick = watchByEvents(setup.fast, bodyFor(story.uid))
    const slow = connect(Number(new URL(setup.fast).port), '127.0.0.1')
    onTestFinished(() => void slow.destroy())
    const body = bodyFor(story.uid)
    slow.write(
      `POST /graphql HTTP/1.1\r\nhost: x\r\naccept: text/event-stream\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
    )
    slow.pause()
    await until(() => setup.seated() === 2 && quick.results.length === 1, 'both seats')
    for (let count = 1; count < CHANGES; count += 1) await story.tell('bytes')
    await story.tell('ready')
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
    await until(() => received.includes('event: complete'), 'the slow end')
    const versions = [...received.matchAll(/"version":(\d+)/g)].map(([, version]) =>
      Number(version),
    )
    expect(isGrowing(versions)).toBe(true)
    expect(versions.at(-1)).toBe(CHANGES + 1)
    expect(versions.length).toBeLessThan(CHANGES)
  })

  it('at a socket is shown the newest, and the last', { timeout: 60_000 }, async () => {
    const setup = await setSetup({ auth: OPEN })
    const [slow, quick] = [await openLine(setup.fast), await openLine(setup.fast)]
    const lesson = await beginStory(setup, {}, LARGE)
    for (const id of ['1', '2']) {
      quick.send(subscribe(id, lesson.uid))
      await until(() => quick.messages.some((text) => text.startsWith(`{"id":"${id}"`)))
      quick.send({ id, type: 'complete' })
    }
    const story = await beginStory(setup, {}, LARGE)
    const before = quick.messages.length
    for (const line of [slow, quick]) line.send(subscribe('3', story.uid))
    await until(() => slow.messages.length === 1 && quick.messages.length > before, 'both seats')
    expect(setup.seated()).toBe(2)
    slow.socket.pause()
    for (let count = 1; count < CHANGES; count += 1) await story.tell('bytes')
    await story.tell('ready')
    await until(() => quick.messages.at(-1)?.includes('"complete"') === true, 'the end')
    expect(slow.messages.length).toBeLessThan(CHANGES)
    slow.socket.resume()
    await until(() => slow.messages.at(-1)?.includes('"complete"') === true, 'the slow end')
    await turns(10)
    const versions = versionsIn(slow.messages.slice(0, -1))
    expect(isGrowing(versions)).toBe(true)
    expect(versions.at(-1)).toBe(CHANGES + 1)
    expect(versions.length).toBeLessThan(CHANGES)
    expect(slow.closed()).toBeNull()
  })

  it(
    'at a socket with many subscriptions has no more wait for it than with one',
    {
      timeout: 60_000,
    },
    async () => {
      const setup = await setSetup({ auth: OPEN })
      const { url, carried } = await carrySockets(setup)
      const [quick, slow] = [await openLine(url), await openLine(url)]
      const lesson = await beginStory(setup, {}, LARGE)
      for (const id of ['1', '2']) {
        quick.send(subscribe(id, lesson.uid))
        await until(() => quick.messages.some((text) => text.startsWith(`{"id":"${id}"`)))
        quick.send({ id, type: 'complete' })
      }
      const story = await beginStory(setup, {}, LARGE)
      const before = quick.messages.length
      quick.send(subscribe('3', story.uid))
      slow.send(...Array.from({ length: SUBSCRIPTIONS }, (_, id) => subscribe(`${id}`, story.uid)))
      await until(() => slow.messages.length === SUBSCRIPTIONS && quick.messages.length > before)
      expect(setup.seated()).toBe(SUBSCRIPTIONS + 1)
      const longest = Math.max(...slow.messages.map(({ length }) => length))
      const server = carried[1]
      if (server === undefined) throw new Error('Nobody carries the slow socket.')

      let most = 0
      slow.socket.pause()
      for (let count = 1; count < CHANGES; count += 1) {
        await story.tell('bytes')
        await until(() => versionsIn(quick.messages.slice(-1))[0] === count + 1, 'the change')
        most = Math.max(most, server.bufferedAmount)
        // A little is read now and then: what was sent is gone then, and there is room for more.
        if (count % 10 === 0) slow.socket.resume()
        if (count % 10 === 5) slow.socket.pause()
      }
      // What fills the line, and what finds it full.
      expect(most).toBeGreaterThan(ENOUGH_BYTES)
      expect(most).toBeLessThan(ENOUGH_BYTES + 2 * (longest + 100))
      slow.socket.resume()
      await story.tell('ready')
      await until(
        () => slow.messages.filter((text) => text.includes('"complete"')).length === SUBSCRIPTIONS,
        'the slow ends',
      )
      for (let id = 0; id < SUBSCRIPTIONS; id += 1) {
        const own = slow.messages.filter((text) => text.startsWith(`{"id":"${id}",`)).slice(0, -1)
        const versions = versionsIn(own)
        expect(isGrowing(versions)).toBe(true)
        expect(versions.at(-1)).toBe(CHANGES + 1)
      }
      expect(slow.closed()).toBeNull()
    },
  )
})

/** Of one socket. */
const SUBSCRIPTIONS = 30
/** As carry-socket.ts has it. */
const ENOUGH_BYTES = 64 * 1024

/** A port at which sockets are carried as everywhere, and their other ends, in the order they came. */
async function carrySockets(setup: Setup) {
  const carried: WebSocket[] = []
  const { webSockets: endpoint } = setup.gateway
  const answering = {
    door: endpoint,
    lane: setup.lane,
    log: setup.parts.log,
    onAccepted: () => {},
    onWritten: () => {},
  }
  const server = new WebSocketServer({
    port: 0,
    host: '127.0.0.1',
    handleProtocols: () => 'graphql-transport-ws',
  })
  server.on('connection', (socket) => {
    carried.push(socket)
    handleWebSocket(answering, socket)
  })
  await once(server, 'listening')
  onTestFinished(() => {
    for (const socket of carried) socket.terminate()
    server.close()
  })
  const address = server.address()
  const port = typeof address === 'object' ? address?.port : null
  return { url: `http://127.0.0.1:${port}`, carried }
}
