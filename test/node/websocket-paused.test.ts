/** A WebSocket that was paused, because its client had not read a large message, is read again. */
import { EventEmitter, once } from 'node:events'
import { expect, it } from 'vitest'
import { openRawSocket, rawFrames } from '../kit/raw-client.ts'
import { serveInTest, webSocketsWith } from '../kit/served-gateway.ts'

it('once the client has read the message, also if others waited meanwhile', async () => {
  const events = new EventEmitter()
  const webSockets = webSocketsWith((sink, text) => {
    if (text === 'large') {
      sink.send('x'.repeat(8_000_000))
      events.emit('large')
    }
    if (text === 'last') sink.send('received last')
  })
  const server = await serveInTest({ webSockets })
  const open = () => openRawSocket(server.url)
  const client = await open()
  const others = await Promise.all(Array.from({ length: 60 }, open))
  client.socket.pause()
  const isSent = once(events, 'large')
  client.socket.write(rawFrames('large'))
  await isSent
  // More messages than the ticks handle, so that those of the client wait, and it is paused meanwhile.
  for (const { socket } of others) {
    socket.write(
      Buffer.concat(
        [...Array.from({ length: 50 }, () => 'other'), 'last'].map((text) => rawFrames(text)),
      ),
    )
  }
  client.socket.write(Buffer.concat(Array.from({ length: 20 }, () => rawFrames('other'))))
  await Promise.all(others.map((other) => other.until('received last')))
  client.socket.resume()
  client.socket.write(rawFrames('last'))
  expect(await client.until('received last')).toContain('xxx')
})
