/** Events are executed when their client can receive them, so that no results wait for a client that does not read. */
import { once } from 'node:events'
import { type Socket, connect } from 'node:net'
import { describe, expect, it, onTestFinished } from 'vitest'
import type { UploadStore } from '../../src/uploads/ports/upload-store.ts'
import { sendOperation } from './both-paths.ts'
import { type Setup, createSetup } from './setup.ts'
import { createTestUpload } from './upload-histories.ts'
import { openEventStream, openSocket, ticks, until } from './subscription-clients.ts'

const OPEN = { kind: 'disabled' } as const
const LARGE = { text: 'x'.repeat(3900) }

/** Enough subscriptions to exceed the socket buffers of the system many times. */
const SUBSCRIPTIONS = 40
const UPLOADS = 20
/** Makes the first event 800 KB large. */
const LIST = `subscription { uploadList(first: 100) { page { nodes { uid ${aliases('meta', 10)} } } changed { node { uid } } } }`

/** Makes an event 160 KB large, and reads the history once per execution. */
function changesQuery(index: number): string {
  return `subscription S${index} { uploadsChanged { version history { at } ${aliases('meta', 40)} } }`
}
const CHANGES = 60
/** More events than the socket buffers of the system hold. */
const MAX_EXECUTED = 150

function aliases(field: string, count: number): string {
  return Array.from({ length: count }, (_, index) => `m${index}: ${field}`).join(' ')
}

/** A gateway that counts subscribers to changes, reads of pages, and reads of histories. */
async function countingSetup() {
  const counts = { subscribed: 0, unsubscribed: 0, pages: 0, histories: 0 }
  const setup = await createSetup({
    auth: OPEN,
    store: (store) => ({
      ...store,
      list(...args: Parameters<UploadStore['list']>) {
        counts.pages += 1
        return store.list(...args)
      },
      historyOf(ids) {
        counts.histories += 1
        return store.historyOf(ids)
      },
    }),
    pubsub: (pubsub) => ({
      ...pubsub,
      subscribe(...args) {
        counts.subscribed += 1
        const { ready, stop } = pubsub.subscribe(...args)
        return {
          ready,
          stop() {
            counts.unsubscribed += 1
            stop()
          },
        }
      },
    }),
  })
  return { setup, counts }
}

function subscribe(id: string, query: string): object {
  return { id, type: 'subscribe', payload: { query } }
}

/** Returns the messages of one subscription. */
function messagesOf(messages: readonly string[], id: string): readonly string[] {
  return messages.filter((text) => text.startsWith(`{"id":"${id}",`))
}

/** Opens an event stream over a socket that reads nothing until `resume`. */
function openUnreadStream(setup: Setup, body: string): Socket {
  const socket = connect(Number(new URL(setup.fast).port), '127.0.0.1')
  onTestFinished(() => void socket.destroy())
  socket.write(
    `POST /graphql HTTP/1.1\r\nhost: x\r\naccept: text/event-stream\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
  )
  socket.pause()
  return socket
}

function versionsIn(texts: readonly string[]): readonly number[] {
  return texts.map((text) => Number(/"version":(\d+)/.exec(text)?.[1]))
}

function expectNewestStates(versions: readonly number[]): void {
  expect(versions).toEqual([...new Set(versions)].toSorted((a, b) => a - b))
  expect(versions.at(-1)).toBe(CHANGES + 1)
}

/** Repeats each subscription, so that it is compiled and the next ones are shared. */
async function compile(
  setup: Setup,
  counts: { readonly subscribed: number },
  queries: readonly string[],
): Promise<void> {
  const client = await openSocket(setup.fast)
  const upload = await createTestUpload(setup)
  for (const round of ['a', 'b']) {
    const before = counts.subscribed
    client.send(...queries.map((query, index) => subscribe(`${round}${index}`, query)))
    await until(() => counts.subscribed === before + queries.length, 'the subscriptions')
    await ticks(5)
    await upload.record('bytes')
    await until(
      () => queries.every((_, index) => messagesOf(client.messages, `${round}${index}`).length > 0),
      'the events',
    )
    client.send(...queries.map((_, index) => ({ id: `${round}${index}`, type: 'complete' })))
  }
  client.socket.close()
  await once(client.socket, 'close')
}

describe('a client that does not read', () => {
  it('makes the gateway read and execute no further lists', { timeout: 60_000 }, async () => {
    const { setup, counts } = await countingSetup()
    for (let count = 0; count < UPLOADS; count += 1) await createTestUpload(setup, {}, LARGE)
    const client = await openSocket(setup.fast)
    client.socket.pause()
    const ids = Array.from({ length: SUBSCRIPTIONS }, (_, index) => `${index}`)
    client.send(...ids.map((id) => subscribe(id, LIST)))
    await until(() => counts.subscribed === SUBSCRIPTIONS, 'the subscriptions')
    await ticks(200)
    expect(counts.pages).toBeGreaterThan(0)
    expect(counts.pages).toBeLessThan(SUBSCRIPTIONS / 2)

    // Is in the pages that are read later, and a change after those that were read before.
    const { uid } = await createTestUpload(setup)
    client.socket.resume()
    await until(
      () => ids.every((id) => messagesOf(client.messages, id).join().includes(uid)),
      'the new upload',
      30_000,
    )
    expect(counts.pages).toBe(SUBSCRIPTIONS)
    for (const id of ids) {
      const [page = '', ...changes] = messagesOf(client.messages, id)
      expect(page.match(/"uid"/g)?.length).toBe(page.includes(uid) ? UPLOADS + 1 : UPLOADS)
      expect(changes).toHaveLength(page.includes(uid) ? 0 : 1)
    }
    expect(client.closed()).toBeNull()
  })

  it('makes the gateway discard the lists that wait when it disconnects', async () => {
    const { setup, counts } = await countingSetup()
    for (let count = 0; count < UPLOADS; count += 1) await createTestUpload(setup, {}, LARGE)
    const client = await openSocket(setup.fast)
    client.socket.pause()
    const ids = Array.from({ length: SUBSCRIPTIONS }, (_, index) => `${index}`)
    client.send(...ids.map((id) => subscribe(id, LIST)))
    await until(() => counts.subscribed === SUBSCRIPTIONS, 'the subscriptions')
    await ticks(200)
    client.socket.terminate()
    await until(() => counts.unsubscribed === SUBSCRIPTIONS, 'the end of the subscriptions')
    await ticks(200)
    expect(counts.pages).toBeLessThan(SUBSCRIPTIONS / 2)
  })

  it(
    'of a WebSocket makes the gateway execute no further changes',
    { timeout: 60_000 },
    async () => {
      const { setup, counts } = await countingSetup()
      const queries = Array.from({ length: SUBSCRIPTIONS }, (_, index) => changesQuery(index))
      await compile(setup, counts, queries)
      const upload = await createTestUpload(setup, {}, LARGE)
      const client = await openSocket(setup.fast)
      client.send(...queries.map((query, index) => subscribe(`${index}`, query)))
      await until(() => setup.joinedSubscriptions() >= SUBSCRIPTIONS, 'the subscriptions')
      client.socket.pause()
      counts.histories = 0
      for (let count = 0; count < CHANGES; count += 1) await upload.record('bytes')
      await ticks(200)
      expect(counts.histories).toBeLessThan(MAX_EXECUTED)
      client.socket.resume()
      const latest = `"version":${CHANGES + 1},`
      await until(
        () =>
          queries.every((_, index) =>
            messagesOf(client.messages, `${index}`).at(-1)?.includes(latest),
          ),
        'the newest state',
        30_000,
      )
      await ticks(50)
      for (const index of queries.keys())
        expectNewestStates(versionsIn(messagesOf(client.messages, `${index}`)))
      expect(client.closed()).toBeNull()
      expect(setup.errors).toEqual([])
    },
  )

  it('of an event stream makes the gateway execute no further changes', async () => {
    const { setup, counts } = await countingSetup()
    const body = JSON.stringify({ query: changesQuery(0) })
    for (let count = 0; count < 2; count += 1) {
      const client = openEventStream(setup.fast, body)
      await client.opened
      client.disconnect()
    }
    const upload = await createTestUpload(setup, {}, LARGE)
    const slow = openUnreadStream(setup, body)
    await until(() => setup.joinedSubscriptions() === 1, 'the subscription')
    let events = 0
    for (; events < CHANGES; events += 1) {
      await upload.record('bytes')
      await ticks(3)
    }
    expect(counts.histories).toBeLessThan(CHANGES)
    let received = ''
    slow.setEncoding('utf8')
    slow.on('data', (chunk: string) => {
      received += chunk
    })
    slow.resume()
    await until(() => received.includes(`"version":${CHANGES + 1},`), 'the newest state')
    const versions = [...received.matchAll(/"version":(\d+)/g)].map(([, version]) =>
      Number(version),
    )
    expectNewestStates(versions)
    expect(setup.errors).toEqual([])
  })
})

describe('a client that reads again', () => {
  /** Small changes of different uploads, which all wait. */
  const SMALL = 100
  it.each([
    // The limit of the queue per tick.
    ['the fast path', 2, 16],
    // Yoga's stream executes events in advance until it holds 16 KB.
    ['the fallback', 0, 64],
  ])('gets the events of a stream of %s over many ticks', async (_executor, warmUps, maximum) => {
    const { setup, counts } = await countingSetup()
    const body = JSON.stringify({ query: changesQuery(0) })
    for (let count = 0; count < warmUps; count += 1) {
      const client = openEventStream(setup.fast, body)
      await client.opened
      client.disconnect()
    }
    const large = await createTestUpload(setup, {}, LARGE)
    const small = []
    for (let count = 0; count < SMALL; count += 1) small.push(await createTestUpload(setup))
    // The first change of an upload reads its history.
    for (const upload of small) await upload.record('bytes')
    const before = counts.subscribed
    const slow = openUnreadStream(setup, body)
    await until(() => counts.subscribed > before, 'the subscription')
    // Until the socket buffers of the system are full, and a change waits.
    for (let waiting = 0; waiting < 20;) {
      const executed = counts.histories
      await large.record('bytes')
      await ticks(20)
      waiting = counts.histories === executed ? waiting + 1 : 0
    }
    const executed = counts.histories
    for (const upload of small) await upload.record('bytes')
    await ticks(50)
    expect(counts.histories - executed).toBeLessThan(SMALL / 2)
    let received = ''
    slow.setEncoding('utf8')
    slow.on('data', (chunk: string) => {
      received += chunk
    })
    slow.resume()
    const perTick: number[] = []
    await until(() => {
      perTick.push(counts.histories)
      return received.split('event: next').length > SMALL
    }, 'the events')
    const most = Math.max(...perTick.map((count, tick) => count - (perTick[tick - 1] ?? count)))
    expect(most).toBeLessThanOrEqual(maximum)
    expect(setup.errors).toEqual([])
  })
})

it('completes with an error if the page of a list cannot be read', async () => {
  const setup = await createSetup({
    auth: OPEN,
    store: (store) => ({ ...store, list: () => Promise.reject(new Error('the disk failed')) }),
  })
  const client = await openSocket(setup.fast)
  client.send(subscribe('1', LIST))
  await until(() => client.messages.length === 2, 'the completion')
  const stream = openEventStream(setup.fast, JSON.stringify({ query: LIST }))
  await until(() => stream.ended() !== null, 'the completion')
  for (const text of [client.messages[0], stream.results[0]]) {
    expect(text).toContain('"errors":[{"message":"Unexpected error.')
    expect(text).not.toContain('the disk failed')
  }
  expect(client.messages[1]).toBe('{"id":"1","type":"complete"}')
  expect(stream.results).toHaveLength(1)
  expect(stream.ended()).toContain('event: complete')
  const { text } = await sendOperation(setup.fallback, { query: '{ __typename }' })
  expect(text).toContain('Query')
})
