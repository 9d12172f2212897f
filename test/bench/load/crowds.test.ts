import { once } from 'node:events'
import { type Socket, createServer } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import { disperse, gather, makeChange } from './subscriber-groups.ts'
import { postJson } from './requests.ts'

const PRESENT = 'event: next\ndata: {"first":1}\n\n'
const CHANGE = 'event: next\ndata: {"told":1}\n\n'

/** A server that tells each subscriber how things stand, and leaves the rest to the test. */
async function serve() {
  const subscribers: Socket[] = []
  const sockets = new Set<Socket>()
  let changed: (() => void) | null = null
  const change = new Promise<void>((resolve) => {
    changed = resolve
  })
  const server = createServer({ noDelay: true }, (socket) => {
    sockets.add(socket)
    socket.on('error', () => socket.destroy())
    socket.on('data', (asked) => {
      if (asked.includes('/change')) {
        socket.write('HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n')
        changed?.()
        return
      }
      subscribers.push(socket)
      socket.write(`HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n${PRESENT}`)
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('There is no port.')
  return { target: { host: '127.0.0.1', port: address.port }, subscribers, change }
}

async function gatherTwo(group: string) {
  const served = await serve()
  const { target } = served
  await gather({
    kind: 'subscribe',
    crowd: group,
    transport: 'sse',
    target,
    tokens: ['a', 'b'],
    uid: 'u',
  })
  return served
}

test('a change has reached all once each of them has heard, and not as many times', async () => {
  const { subscribers, change } = await gatherTwo('twice')
  const [one, other] = subscribers
  const reached = makeChange({
    crowd: 'twice',
    shot: { bytes: postJson('/change', '{}'), marker: '' },
    told: 'told',
  })
  await change
  one?.write(CHANGE + CHANGE)
  // Whatever it says is read before what comes by another connection, made after it.
  const { subscribers: later } = await gatherTwo('later')
  expect(later).toHaveLength(2)
  expect(await Promise.race([reached, Promise.resolve('not yet')])).toBe('not yet')
  other?.write(CHANGE)
  const { first, last } = await reached
  expect(first).toBeLessThanOrEqual(last)
  expect(await disperse('twice')).toEqual({ count: 2, lost: 0, firstLost: null })
  await disperse('later')
})

test('whoever was lost unasked is told of, and how many', async () => {
  const { subscribers } = await gatherTwo('lost')
  subscribers[0]?.destroy()
  await gatherTwo('meanwhile')
  expect(await disperse('lost')).toEqual({
    count: 1,
    lost: 1,
    firstLost: 'the connection was closed',
  })
  expect(await disperse('meanwhile')).toMatchObject({ lost: 0 })
})
