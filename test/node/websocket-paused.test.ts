/** A WebSocket that was paused, because its client had not read a large message, is read again. */
import { EventEmitter, once } from 'node:events'
import { expect, it } from 'vitest'
import { type RawClient, openRaw, rawRequest } from '../kit/raw-client.ts'
import { servedGateway, silentLogger, startTestServer } from '../kit/served-gateway.ts'

const UPGRADE = rawRequest('GET /graphql', {
  connection: 'Upgrade',
  upgrade: 'websocket',
  'sec-websocket-version': '13',
  'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
  'sec-websocket-protocol': 'graphql-transport-ws',
})

/** Masked frame of a short text; the mask changes no byte. */
function frame(text: string): Buffer {
  return Buffer.concat([Buffer.from([0x81, 0x80 | text.length, 0, 0, 0, 0]), Buffer.from(text)])
}

it('once the client has read the message, also if others waited meanwhile', async () => {
  const server = await startTestServer()
  const events = new EventEmitter()
  server.serve(
    servedGateway({
      fetch: async () => new Response(),
      webSockets: {
        open: (sink) => ({
          async receive(text) {
            if (text === 'large') {
              sink.send('x'.repeat(8_000_000))
              events.emit('large')
            }
            if (text === 'last') sink.send('received last')
          },
          flushed: () => {},
          closed: () => {},
          idle: async () => {},
        }),
      },
    }),
    silentLogger,
  )
  async function open(): Promise<RawClient> {
    const client = await openRaw(server.url)
    client.socket.write(UPGRADE)
    await client.until('\r\n\r\n')
    return client
  }
  const client = await open()
  const others = await Promise.all(Array.from({ length: 60 }, open))
  client.socket.pause()
  const isSent = once(events, 'large')
  client.socket.write(frame('large'))
  await isSent
  // More messages than the ticks handle, so that those of the client wait, and it is paused meanwhile.
  for (const { socket } of others) {
    socket.write(Buffer.concat([...Array.from({ length: 50 }, () => 'other'), 'last'].map(frame)))
  }
  client.socket.write(Buffer.concat(Array.from({ length: 20 }, () => frame('other'))))
  await Promise.all(others.map((other) => other.until('received last')))
  client.socket.resume()
  client.socket.write(frame('last'))
  expect(await client.until('received last')).toContain('xxx')
})
