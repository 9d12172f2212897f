/** Bursts of WebSocket messages: other connections are served meanwhile, and sockets take turns. */
import { once } from 'node:events'
import { describe, expect, it } from 'vitest'
import { type TestGateway, startTestGateway } from '../kit/gateway.ts'
import { type RawClient, openRaw, openRawSocket, rawFrames, rawQuery } from '../kit/raw-client.ts'
import { serveInTest, webSocketsWith } from '../kit/served-gateway.ts'

const BURST = 50_000

const subscribe = (id: string, query: string): string =>
  JSON.stringify({ type: 'subscribe', id, payload: { query } })

async function openSocket(gateway: TestGateway): Promise<RawClient> {
  const client = await openRawSocket(gateway.url)
  client.socket.write(rawFrames('{"type":"connection_init"}'))
  await client.until('connection_ack')
  return client
}

function count(text: string, part: string): number {
  return text.split(part).length - 1
}

const bursts: readonly (readonly [string, (index: number) => Buffer, string])[] = [
  ['operations', (index) => rawFrames(subscribe(String(index), '{__typename}')), '"next"'],
  ['invalid operations', (index) => rawFrames(subscribe(String(index), '{')), '"error"'],
  ['pings', () => rawFrames('{"type":"ping"}'), '"pong"'],
  ['pings in fragments', () => rawFrames('{"type":"ping"}', 15), '"pong"'],
]

describe('a burst of 50,000 messages', () => {
  it.each(bursts)('of %s does not delay other connections', async (_name, frame, reply) => {
    const gateway = await startTestGateway()
    const other = await openRaw(gateway.url)
    const query = rawQuery('{__typename}', { accept: 'application/json' })
    other.socket.write(query)
    await other.until('Query')
    const socket = await openSocket(gateway)
    socket.socket.write(Buffer.concat(Array.from({ length: BURST }, (_, index) => frame(index))))
    await socket.until(reply)
    other.socket.write(query)
    while (count(other.received(), 'Query') < 2) await once(other.socket, 'data')
    // Replies are counted, because their time depends on the machine.
    expect(count(socket.received(), reply)).toBeLessThan(2000)
  })
})

/** Takes milliseconds to validate. Each has another text, so that no cache helps. */
const costly = (index: number): Buffer =>
  rawFrames(subscribe(String(index), `{${'a '.repeat(900)}} # ${index}`))

const ping = (index: number): Buffer => rawFrames(`{"type":"ping","payload":{"count":${index}}}`)

describe('sockets that send at the same time', () => {
  it('take turns', async () => {
    const gateway = await startTestGateway()
    const others = await Promise.all(Array.from({ length: 5 }, () => openSocket(gateway)))
    const socket = await openSocket(gateway)
    for (const { socket: other } of others) {
      other.write(Buffer.concat(Array.from({ length: 20 }, (_, index) => costly(index))))
    }
    await others[0]?.until('"error"')
    socket.socket.write(ping(1))
    await socket.until('"pong"')
    const replies = others.map((other) => count(other.received(), '"type":"error"'))
    // At most a few of each; all of them have sent 20.
    expect(Math.max(...replies)).toBeLessThan(10)
    await Promise.all(others.map((other) => other.until('"id":"19"')))
  })

  it('receive the replies to their messages in order', async () => {
    const gateway = await startTestGateway()
    const other = await openSocket(gateway)
    const sockets = await Promise.all(Array.from({ length: 3 }, () => openSocket(gateway)))
    const counts = Array.from({ length: 500 }, (_, index) => index)
    other.socket.write(Buffer.concat(counts.slice(0, 20).map(costly)))
    for (const { socket } of sockets) socket.write(Buffer.concat(counts.map(ping)))
    for (const socket of sockets) {
      const received = await socket.until('"count":499}')
      const replies = [...received.matchAll(/"count":(\d+)\}/g)].map(([, text]) => Number(text))
      expect(replies).toEqual(counts)
    }
  })
})

describe('a message', () => {
  it('does not wait until the operation before it ends', async () => {
    const webSockets = webSocketsWith(async (sink, text) => {
      sink.send(`received ${text}`)
      await new Promise(() => {})
    })
    const client = await openRawSocket((await serveInTest({ webSockets })).url)
    client.socket.write(Buffer.concat([rawFrames('operation'), rawFrames('complete')]))
    expect(await client.until('received complete')).toContain('received operation')
  })
})
