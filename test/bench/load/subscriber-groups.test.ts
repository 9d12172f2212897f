import { type Socket, createServer } from 'node:net'
import { expect, test } from 'vitest'
import { listenInTest } from '../../kit/listen.ts'
import { unsubscribe, subscribeGroup, makeChange } from './subscriber-groups.ts'
import { postJson } from './requests.ts'

const FIRST_EVENT = 'event: next\ndata: {"first":1}\n\n'
const CHANGE = 'event: next\ndata: {"changed":1}\n\n'

/** A server that sends each subscriber a first event; the test sends all later events. */
async function serve() {
  const subscribers: Socket[] = []
  let changed: (() => void) | null = null
  const change = new Promise<void>((resolve) => {
    changed = resolve
  })
  const server = createServer({ noDelay: true }, (socket) => {
    socket.on('error', () => socket.destroy())
    socket.on('data', (request) => {
      if (request.includes('/change')) {
        socket.write('HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n')
        changed?.()
        return
      }
      subscribers.push(socket)
      socket.write(`HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n${FIRST_EVENT}`)
    })
  })
  const { port } = await listenInTest(server)
  return { target: { host: '127.0.0.1', port }, subscribers, change }
}

async function subscribeTwo(group: string) {
  const server = await serve()
  const { target } = server
  await subscribeGroup({
    kind: 'subscribe',
    group,
    transport: 'sse',
    target,
    tokens: ['a', 'b'],
    uid: 'u',
  })
  return server
}

test('counts a change as delivered when each subscriber has received it, not by the number of events', async () => {
  const { subscribers, change } = await subscribeTwo('twice')
  const [first, second] = subscribers
  const delivered = makeChange({
    group: 'twice',
    request: { bytes: postJson('/change', '{}'), marker: '' },
    expected: 'changed',
  })
  await change
  first?.write(CHANGE + CHANGE)
  // Events sent before are read before those of connections that are opened after them.
  const { subscribers: later } = await subscribeTwo('later')
  expect(later).toHaveLength(2)
  expect(await Promise.race([delivered, Promise.resolve('not yet')])).toBe('not yet')
  second?.write(CHANGE)
  const timings = await delivered
  expect(timings.first).toBeLessThanOrEqual(timings.last)
  expect(await unsubscribe('twice')).toEqual({ count: 2, lost: 0, firstLost: null })
  await unsubscribe('later')
})

test('reports the number of subscribers that the server disconnected', async () => {
  const { subscribers } = await subscribeTwo('lost')
  subscribers[0]?.destroy()
  await subscribeTwo('other')
  expect(await unsubscribe('lost')).toEqual({
    count: 1,
    lost: 1,
    firstLost: 'the connection was closed',
  })
  expect(await unsubscribe('other')).toMatchObject({ lost: 0 })
})
