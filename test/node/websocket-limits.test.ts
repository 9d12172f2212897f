/** Limits of the memory that unauthenticated WebSockets can occupy. */
import { once } from 'node:events'
import { describe, expect, it, onTestFinished } from 'vitest'
import { WebSocket } from 'ws'
import { startTestGateway } from '../kit/gateway.ts'
import { RAW_UPGRADE, type RawClient, openRaw, rawFrames } from '../kit/raw-client.ts'
import { servedGateway, silentLogger, startTestServer } from '../kit/served-gateway.ts'

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

async function openSocket({ url }: { readonly url: string }): Promise<WebSocket> {
  const socket = new WebSocket(`${url.replace('http', 'ws')}/graphql`, 'graphql-transport-ws')
  onTestFinished(() => socket.terminate())
  await once(socket, 'open')
  socket.on('error', () => undefined)
  return socket
}

describe('a message', () => {
  it('of many one-byte frames closes its socket immediately', async () => {
    const gateway = await startTestGateway()
    const client = await openRaw(gateway.url)
    client.socket.write(RAW_UPGRADE)
    await client.until('\r\n\r\n')
    client.socket.write(Buffer.concat([FIRST, ...Array.from({ length: 100 }, () => NEXT)]))
    expect(await client.until(POLICY_VIOLATION)).toContain(POLICY_VIOLATION)
  })

  it('of a few frames is read', async () => {
    const gateway = await startTestGateway()
    const socket = await openSocket(gateway)
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
    const server = await startTestServer({ monotonicMs: () => now })
    server.serve(
      servedGateway({
        fetch: async () => new Response(),
        webSockets: {
          open: (sink) => ({
            async receive(text) {
              sink.send(`received ${text}`)
            },
            flushed: () => {},
            closed: () => {},
            idle: async () => {},
          }),
        },
      }),
      silentLogger,
    )
    const client = await openRaw(server.url)
    client.socket.write(RAW_UPGRADE)
    await client.until('\r\n\r\n')
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
    const server = await startTestServer()
    let ticks = 0
    const closed = new Promise<void>((resolve) => {
      server.serve(
        servedGateway({
          fetch: async () => new Response(),
          webSockets: {
            open: () => ({
              receive: async () => {},
              flushed: () => {},
              closed: () => resolve(),
              idle: async () => {},
            }),
          },
        }),
        silentLogger,
      )
    })
    const client = await openRaw(server.url)
    client.socket.write(RAW_UPGRADE)
    await client.until('\r\n\r\n')
    client.socket.write(Buffer.alloc(PING.length * 10_000, PING))
    const count = (): void => {
      ticks += 1
      immediate = setImmediate(count)
    }
    let immediate = setImmediate(count)
    await closed
    clearImmediate(immediate)
    expect(ticks).toBeLessThan(1000)
  })
})

describe('sockets without a connection_init', () => {
  it('are limited: a random one is disconnected, and an acknowledged socket stays open', async () => {
    const chosen = [1, 2, 0, 2]
    const maxima: number[] = []
    const server = await startTestServer({
      maxUnauthenticated: 3,
      randomBelow(maximum) {
        maxima.push(maximum)
        return chosen.shift() ?? 0
      },
    })
    // Accepts each socket that sends a message.
    server.serve(
      servedGateway({
        fetch: async () => new Response(),
        webSockets: {
          open: (sink) => ({
            async receive() {
              sink.onAccepted?.('ada')
              sink.send('accepted')
            },
            flushed: () => {},
            closed: () => {},
            idle: async () => {},
          }),
        },
      }),
      silentLogger,
    )
    const accepted = await openSocket(server)
    accepted.send('{}')
    await once(accepted, 'message')
    const idle: WebSocket[] = []
    for (let index = 0; index < 7; index += 1) idle.push(await openSocket(server))
    const open = () => idle.map((socket) => socket.readyState === WebSocket.OPEN)
    // The last socket takes the place of the disconnected one, and the new one is the last.
    await expect.poll(open).toEqual([false, false, true, false, true, false, true])
    expect(maxima).toEqual([3, 3, 3, 3])
    expect(accepted.readyState).toBe(WebSocket.OPEN)
  })

  it('are closed if they send 24 KiB of a message', async () => {
    const gateway = await startTestGateway()
    const client = await openRaw(gateway.url)
    client.socket.write(RAW_UPGRADE)
    await client.until('\r\n\r\n')
    client.socket.write(Buffer.concat([LONG_FRAME, Buffer.alloc(24 * 1024)]))
    expect(await client.closed()).toContain(TOO_BIG)
  })

  it('may send a connection_init of 20 KiB', async () => {
    const gateway = await startTestGateway()
    const socket = await openSocket(gateway)
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
    const next = await openSocket(gateway)
    await expect.poll(open).toBe(MAX_UNAUTHENTICATED - 1)
    next.send('{"type":"connection_init"}')
    const [reply]: unknown[] = await once(next, 'message')
    expect(String(reply)).toContain('connection_ack')
  })
})
