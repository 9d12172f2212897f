/** Limit of unread data on a WebSocket of a Worker: workerd does not report the buffered amount. */
import { once } from 'node:events'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { WebSocket } from 'ws'
import { type TestEmulator, startTestEmulator } from '../kit/emulator.ts'
import { type TestWorker, startWorker } from '../kit/gateway-worker.ts'
import { createDirectUpload, expectMinted } from '../kit/operations.ts'
import { openWebSocket } from '../kit/web-socket.ts'

let emulator: TestEmulator
let worker: TestWorker

beforeAll(async () => {
  emulator = await startTestEmulator()
  worker = await startWorker({
    variables: { AUTH_DISABLED: 'true', RATE_LIMIT_CREATES: '1000' },
    stream: { emulator, by: 'token' },
  })
})
afterAll(async () => {
  await worker.stop()
  await emulator.close()
})

/** Equal to the constants in unread.ts. */
const ENOUGH_UNREAD = 64 * 1024
const MAX_UNREAD = 4 * 1024 * 1024
const LARGE = { text: 'x'.repeat(3900) }
/** Selects more data of one upload than may be unread. */
const METAS = Array.from({ length: 40 }, (_, index) => `m${index}: meta`).join(' ')
const WATCH = `subscription { uploadsChanged { uid ${METAS} } }`

interface Client {
  readonly socket: WebSocket
  /** Messages of operations, in order of arrival. */
  readonly messages: readonly string[]
  /** Pings received; the client sends no automatic pongs. */
  readonly pings: readonly string[]
  closed(): number | null
  send(message: object): void
}

async function connect(): Promise<Client> {
  const socket = await openWebSocket(worker.url)
  const messages: string[] = []
  const pings: string[] = []
  let code: number | null = null
  socket.on('close', (closedWith) => {
    code = closedWith
  })
  const send = (message: object): void => socket.send(JSON.stringify(message))
  send({ type: 'connection_init' })
  await once(socket, 'message')
  socket.on('message', (data: Buffer) => {
    const text = data.toString()
    if (text.startsWith('{"type":"ping"')) pings.push(text)
    else messages.push(text)
  })
  return { socket, messages, pings, closed: () => code, send }
}

async function until(condition: () => boolean, description: string): Promise<void> {
  await expect.poll(condition, { timeout: 10_000, interval: 10, message: description }).toBe(true)
}

/** Executes a query: every earlier message has been sent before its result. */
async function roundTrip(client: Client, id: string): Promise<void> {
  const { messages } = client
  client.send({ id, type: 'subscribe', payload: { query: '{ __typename }' } })
  await until(() => messages.some((text) => text.startsWith(`{"id":"${id}","type":"complete"`)), id)
}

async function createUploads(count: number): Promise<void> {
  for (let created = 0; created < count; created += 1) {
    expectMinted(await createDirectUpload(worker.as(), { meta: LARGE }))
  }
}

function eventsOf({ messages }: Client): readonly string[] {
  return messages.filter((text) => text.startsWith('{"id":"watch","type":"next"'))
}

describe('a WebSocket', { timeout: 60_000 }, () => {
  it('receives no further event until it responds to a ping, then all of them', async () => {
    const client = await connect()
    client.send({ id: 'watch', type: 'subscribe', payload: { query: WATCH } })
    await roundTrip(client, 'begun')
    await createUploads(4)
    await until(() => client.pings.length === 1, 'the ping')
    await roundTrip(client, 'unanswered')
    expect(eventsOf(client)).toHaveLength(1)
    expect(eventsOf(client)[0]?.length).toBeGreaterThan(ENOUGH_UNREAD)
    // A pong with another payload does not prove that the client read the events.
    client.send({ type: 'pong', payload: { nonce: 'guessed' } })
    await roundTrip(client, 'guessed')
    expect(eventsOf(client)).toHaveLength(1)
    for (let index = 0; index < 4; index += 1) {
      await until(() => client.pings.length > index, 'the next ping')
      client.socket.send((client.pings[index] ?? '').replace('"ping"', '"pong"'))
    }
    await until(() => eventsOf(client).length === 4, 'all events')
    expect(client.closed()).toBeNull()
  })

  it('with pongs without payload receives events and is closed with 1013 above the limit', async () => {
    const client = await connect()
    await createUploads(2)
    const query = `{ uploads(first: 2) { nodes { ${METAS} } } }`
    let characters = 0
    for (let count = 0; count < 100 && client.closed() === null; count += 1) {
      const before = client.messages.length
      client.send({ id: `q${count}`, type: 'subscribe', payload: { query } })
      client.send({ type: 'pong' })
      await until(() => client.closed() !== null || client.messages.length >= before + 2, 'a reply')
      characters = client.messages.reduce((sum, text) => sum + text.length, 0)
    }
    expect(client.closed()).toBe(1013)
    expect(characters).toBeGreaterThan(MAX_UNREAD / 2)
    expect(characters).toBeLessThan(MAX_UNREAD * 1.5)
    expect(worker.lines.filter((line) => line.includes('"level":"error"'))).toEqual([])
  })

  it.each(['x'.repeat(200), '💣'.repeat(64)])(
    'with a close reason that is too long is closed with a shorter one',
    async (id) => {
      const client = await connect()
      const payload = { query: 'subscription { uploadsChanged { uid } }' }
      client.send({ id, type: 'subscribe', payload })
      client.send({ id, type: 'subscribe', payload })
      await until(() => client.closed() !== null, 'the close')
      expect(client.closed()).toBe(4409)
      expect(worker.lines.filter((line) => line.includes('"level":"error"'))).toEqual([])
    },
  )
})
