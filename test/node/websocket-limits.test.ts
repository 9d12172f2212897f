/** Limits of the memory that unauthenticated WebSockets can occupy. */
import { once } from 'node:events'
import { describe, expect, it, onTestFinished } from 'vitest'
import { WebSocket } from 'ws'
import { type TestGateway, startTestGateway } from '../kit/gateway.ts'
import { openRaw, rawRequest } from '../kit/raw-client.ts'

const UPGRADE = rawRequest('GET /graphql', {
  connection: 'Upgrade',
  upgrade: 'websocket',
  'sec-websocket-version': '13',
  'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
  'sec-websocket-protocol': 'graphql-transport-ws',
})
/** A text frame of one space that is not the last of its message, then one that continues it. */
const FIRST = Buffer.from([0x01, 0x81, 0, 0, 0, 0, 0x20])
const NEXT = Buffer.from([0x00, 0x81, 0, 0, 0, 0, 0x20])
/** The close frame of a server: its length and its code. */
const POLICY_VIOLATION = Buffer.from([0x88, 0x02, 0x03, 0xf0]).toString('latin1')

async function openSocket({ url }: TestGateway): Promise<WebSocket> {
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
    client.socket.write(UPGRADE)
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

describe('sockets without a connection_init', () => {
  it('are limited: the oldest is closed, and an acknowledged socket stays open', async () => {
    const gateway = await startTestGateway()
    const accepted = await openSocket(gateway)
    accepted.send('{"type":"connection_init"}')
    await once(accepted, 'message')
    const idle: WebSocket[] = []
    for (let index = 0; index < 300; index += 1) idle.push(await openSocket(gateway))
    const open = () => idle.map((socket) => socket.readyState === WebSocket.OPEN)
    await expect.poll(() => open().filter(Boolean).length).toBe(256)
    expect(open().indexOf(true)).toBe(44)
    expect(accepted.readyState).toBe(WebSocket.OPEN)

    const next = await openSocket(gateway)
    next.send('{"type":"connection_init"}')
    const [reply]: unknown[] = await once(next, 'message')
    expect(String(reply)).toContain('connection_ack')
  })
})
