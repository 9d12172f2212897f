/** Limits of the memory that unauthenticated WebSockets can occupy. */
import { EventEmitter, once } from 'node:events'
import { describe, expect, it } from 'vitest'
import { WebSocket } from 'ws'
import { startTestGateway } from '../kit/gateway.ts'
import {
  RAW_UPGRADE,
  type RawClient,
  openRaw,
  openRawSocket,
  rawFrames,
} from '../kit/raw-client.ts'
import { acceptingWebSockets, serveInTest, webSocketsWith } from '../kit/served-gateway.ts'
import { openWebSocket } from '../kit/web-socket.ts'
import { startTicks } from '../kit/ticks.ts'

const MAX_UNAUTHENTICATED = 4096

/** A text frame of one space that is not the last of its message, then one that continues it. */
const FIRST = Buffer.from([0x01, 0x81, 0, 0, 0, 0, 0x20])
const NEXT = Buffer.from([0x00, 0x81, 0, 0, 0, 0, 0x20])
/** An empty ping. */
const PING = Buffer.from([0x89, 0x80, 0, 0, 0, 0])
const TOO_BIG = Buffer.from([0x88, 0x02, 0x03, 0xf1]).toString('latin1')
/** The head of a text frame of 64,000 bytes. */
const LONG_FRAME = Buffer.from([0x81, 0xfe, 0xfa, 0, 0, 0, 0, 0])
/** The close frame of a server: its length and its code. */
const POLICY_VIOLATION = Buffer.from([0x88, 0x02, 0x03, 0xf0]).toString('latin1')

describe('a message', () => {
  it('of many one-byte frames closes its socket immediately', async () => {
    const gateway = await startTestGateway()
    const client = await openRawSocket(gateway.url)
    client.socket.write(Buffer.concat([FIRST, ...Array.from({ length: 100 }, () => NEXT)]))
    expect(await client.until(POLICY_VIOLATION)).toContain(POLICY_VIOLATION)
  })

  it('of a few frames is read', async () => {
    const gateway = await startTestGateway()
    const socket = await openWebSocket(gateway.url)
    const text = '{"type":"connection_init"}'
    for (const character of text.slice(0, -1)) socket.send(character, { fin: false })
    socket.send(text.slice(-1))
    const [reply]: unknown[] = await once(socket, 'message')
    expect(String(reply)).toContain('connection_ack')
  })
})

describe('pings and pongs', () => {
  it.each([
    ['pings', 0x89],
    ['pongs', 0x8a],
  ])('are limited to 100 within 10 seconds: more %s close the socket', async (_name, opcode) => {
    let now = 0
    const webSockets = webSocketsWith((sink, text) => void sink.send(`received ${text}`))
    const server = await serveInTest({ webSockets }, { monotonicMs: () => now })
    const client = await openRawSocket(server.url)
    const frames = (count: number) =>
      Buffer.concat(Array.from({ length: count }, () => Buffer.from([opcode, 0x80, 0, 0, 0, 0])))
    client.socket.write(Buffer.concat([frames(100), rawFrames('first')]))
    await client.until('received first')
    now = 10_000
    client.socket.write(Buffer.concat([frames(100), rawFrames('second')]))
    await client.until('received second')
    now = 19_999
    client.socket.write(Buffer.concat([frames(1), rawFrames('third')]))
    const received = await client.closed()
    expect(received).toContain(POLICY_VIOLATION)
    expect(received).not.toContain('received third')
  })
})

describe('a socket that was closed', () => {
  it('does not process the frames that it has received already, one in each tick', async () => {
    const events = new EventEmitter()
    const closed = once(events, 'closed')
    const webSockets = webSocketsWith(
      () => {},
      () => events.emit('closed'),
    )
    const server = await serveInTest({ webSockets })
    const client = await openRawSocket(server.url)
    client.socket.write(Buffer.alloc(PING.length * 10_000, PING))
    const ticks = startTicks()
    await closed
    ticks.stop()
    expect(ticks.count()).toBeLessThan(1000)
  })
})

describe('sockets without a connection_init', () => {
  it('are limited: a random one is disconnected, and an acknowledged socket stays open', async () => {
    const chosen = [1, 2, 0, 2]
    const maxima: number[] = []
    const options = {
      maxUnauthenticated: 3,
      randomBelow(maximum: number) {
        maxima.push(maximum)
        return chosen.shift() ?? 0
      },
    }
    const server = await serveInTest({ webSockets: acceptingWebSockets }, options)
    const accepted = await openWebSocket(server.url)
    accepted.send('{}')
    await once(accepted, 'message')
    const idle: WebSocket[] = []
    for (let index = 0; index < 7; index += 1) idle.push(await openWebSocket(server.url))
    const open = () => idle.map((socket) => socket.readyState === WebSocket.OPEN)
    // The last socket takes the place of the disconnected one, and the new one is the last.
    await expect.poll(open).toEqual([false, false, true, false, true, false, true])
    expect(maxima).toEqual([3, 3, 3, 3])
    expect(accepted.readyState).toBe(WebSocket.OPEN)
  })

  it('are closed if they send 24 KiB of a message', async () => {
    const gateway = await startTestGateway()
    const client = await openRawSocket(gateway.url)
    client.socket.write(Buffer.concat([LONG_FRAME, Buffer.alloc(24 * 1024)]))
    expect(await client.closed()).toContain(TOO_BIG)
  })

  it('may send a connection_init of 20 KiB', async () => {
    const gateway = await startTestGateway()
    const socket = await openWebSocket(gateway.url)
    const payload = { padding: 'x'.repeat(20 * 1024) }
    socket.send(JSON.stringify({ type: 'connection_init', payload }))
    const [reply]: unknown[] = await once(socket, 'message')
    expect(String(reply)).toContain('connection_ack')
    // The limit ends with the acknowledgment.
    socket.send(JSON.stringify({ type: 'ping', payload }))
    const [pong]: unknown[] = await once(socket, 'message')
    expect(String(pong)).toContain('pong')
  })

  it('are disconnected from 4,097 on', async () => {
    const gateway = await startTestGateway()
    const idle: RawClient[] = []
    for (let index = 0; index < MAX_UNAUTHENTICATED; index += 1) {
      const client = await openRaw(gateway.url)
      client.socket.write(RAW_UPGRADE)
      idle.push(client)
    }
    await Promise.all(idle.map((client) => client.until('\r\n\r\n')))
    const open = () => idle.filter(({ socket }) => !socket.destroyed).length
    expect(open()).toBe(MAX_UNAUTHENTICATED)
    const next = await openWebSocket(gateway.url)
    await expect.poll(open).toBe(MAX_UNAUTHENTICATED - 1)
    next.send('{"type":"connection_init"}')
    const [reply]: unknown[] = await once(next, 'message')
    expect(String(reply)).toContain('connection_ack')
  })
})
