/** The hub in workerd: pub/sub contract, connection loss and the persistent rate limiter. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { retryAfterOf } from '../contracts/rate-limiter-suite.ts'
import { type HubPubSubOptions, createHubPubSub } from '../../src/pubsub/durable-object-pubsub.ts'
import type { Topic, UploadPubSub } from '../../src/uploads/ports/upload-pubsub.ts'
import { createHubClient } from '../../src/worker/hub/hub-client.ts'
import { PING, PONG } from '../../src/worker/hub/hub-subscription.ts'
import type { WorkerWebSocket, WebSocketResponse } from '../../src/worker/runtime-types.ts'
import { type OpenedPubSub, describeUploadPubSub } from '../contracts/upload-pubsub.ts'
import { type TestClock, createTestClock } from '../kit/clock.ts'
import { uploadOf } from '../kit/samples.ts'
import { type TestWorker, startWorker } from '../kit/gateway-worker.ts'

let worker: TestWorker
let hubs = 0

beforeAll(async () => {
  worker = await startWorker()
})
afterAll(() => worker.stop())

/** Returns a name that no other test uses. */
function newHub(): string {
  hubs += 1
  return `hub ${hubs}`
}

interface Client extends OpenedPubSub {
  readonly clock: TestClock
}

/** Sets the status by definition: `Response` of Node does not accept 101. */
function socketResponse(status: number, webSocket: WorkerWebSocket | null): WebSocketResponse {
  const response = new Response(null)
  return Object.defineProperties(Object.assign(response, { webSocket }), {
    status: { value: status },
  })
}

/** Creates the hub client and pub/sub adapter of one isolate. */
function open(name: string, failed: HubPubSubOptions['failed'] = fail): Client {
  const sockets: PingCounter[] = []
  const running = new Set<Promise<unknown>>()
  const clock = createTestClock()
  const hub = createHubClient(
    {
      idFromName: (hubName) => worker.hubs.idFromName(hubName),
      get(id) {
        const stub = worker.hubs.get(id)
        return {
          ...stub,
          async fetch(request) {
            const { webSocket, status } = await stub.fetch(request)
            const socket = webSocket === null ? null : countPings(webSocket)
            if (socket !== null) sockets.push(socket)
            return socketResponse(status, socket)
          },
        }
      },
    },
    clock,
    name,
  )
  const pubsub = createHubPubSub({
    hub,
    failed,
    keepAlive(work) {
      running.add(work)
      void work.finally(() => running.delete(work))
    },
  })
  return {
    pubsub,
    clock,
    async delivered() {
      await Promise.all(running)
      await Promise.all(sockets.map((socket) => socket.receivedAll()))
    },
  }
}

function fail(error: unknown): void {
  throw error
}

/** A WebSocket that counts pings without a pong. */
interface PingCounter extends WorkerWebSocket {
  /** Resolves once every message sent to it so far has arrived, or it is closed. */
  receivedAll(): Promise<void>
}

function countPings(socket: WorkerWebSocket): PingCounter {
  const state = { unanswered: 0, isOpen: true }
  let wake: (() => void) | null = null
  socket.addEventListener('message', ({ data }) => {
    if (data === PONG) state.unanswered -= 1
    if (state.unanswered === 0) wake?.()
  })
  socket.addEventListener('close', () => {
    state.isOpen = false
    wake?.()
  })
  const send = (text: string): void => {
    if (text === PING) state.unanswered += 1
    socket.send(text)
  }
  return {
    accept: () => socket.accept(),
    close(code, reason) {
      state.isOpen = false
      socket.close(code, reason)
    },
    addEventListener: socket.addEventListener.bind(socket),
    send,
    async receivedAll() {
      if (!state.isOpen) return
      // Messages are ordered: the pong arrives after every message sent before it.
      send(PING)
      while (state.isOpen && state.unanswered > 0) {
        await new Promise<void>((resolve) => {
          wake = resolve
        })
      }
    },
  }
}

describeUploadPubSub('The hub', async () => open(newHub()))

describeUploadPubSub('From one isolate to another, the hub', async () => {
  const name = newHub()
  const [first, second] = [open(name), open(name)]
  return {
    pubsub: {
      publish: (upload) => first.pubsub.publish(upload),
      subscribe: (topic, listener, lost) => second.pubsub.subscribe(topic, listener, lost),
    },
    async delivered() {
      await first.delivered()
      await second.delivered()
    },
  }
})

async function receive(
  { pubsub }: { readonly pubsub: UploadPubSub },
  topic: Topic,
): Promise<string[]> {
  const received: string[] = []
  const { ready } = pubsub.subscribe(topic, ({ uid, version }) => received.push(`${uid}${version}`))
  await ready
  return received
}

describe('a hub subscription', () => {
  test('does not deliver a version after a newer one', async () => {
    const client = open(newHub())
    const received = await receive(client, { of: 'all' })
    for (const version of [1, 3, 2, 3, 4]) client.pubsub.publish(uploadOf({ uid: 'a', version }))
    await client.delivered()
    expect(received).toEqual(['a1', 'a3', 'a4'])
  })

  test('with a long topic receives no other uploads', async () => {
    const client = open(newHub())
    const { ready } = client.pubsub.subscribe({ of: 'all' }, () => undefined)
    await ready
    const received = await receive(client, { of: 'upload', uid: 'x'.repeat(1000) })
    client.pubsub.publish(uploadOf({ uid: 'y' }))
    await client.delivered()
    expect(received).toEqual([])
  })
})

describe('the heartbeat of a hub subscription', () => {
  test('keeps it open without changes for 63 seconds', async () => {
    const client = open(newHub())
    let lost = 0
    const received: number[] = []
    const { ready } = client.pubsub.subscribe(
      { of: 'all' },
      ({ version }) => received.push(version),
      () => (lost += 1),
    )
    await ready
    for (let minute = 1; minute <= 3; minute += 1) {
      client.clock.advance(21)
      await client.delivered()
    }
    client.pubsub.publish(uploadOf({ version: 7 }))
    await client.delivered()
    expect([lost, received]).toEqual([0, [7]])
  })

  test('reports a lost connection when the hub stops', async () => {
    const second = await startWorker()
    onTestFinished(() => second.stop())
    const hub = createHubClient(second.hubs, createTestClock())
    const pubsub = createHubPubSub({ hub, keepAlive: () => undefined, failed: fail })
    const lost = new Promise<string>((resolve) => {
      const { ready } = pubsub.subscribe(
        { of: 'all' },
        () => undefined,
        () => resolve('lost'),
      )
      ready.then(() => second.stop(), fail)
    })
    expect(await lost).toBe('lost')
  })
})

test('rate windows and blocks are kept across restarts of the hub', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'headgate-hub-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  const windows = [{ limit: 2, windowMs: 60_000 }]
  for (const waits of [[null, null], []]) {
    const first = await startWorker({ hubFolder: folder })
    try {
      const hub = createHubClient(first.hubs, createTestClock())
      for (const wait of waits) {
        expect(retryAfterOf(await hub.consume('mint', windows))).toBe(wait)
        await hub.block('stream', 600_000)
      }
      expect(retryAfterOf(await hub.consume('mint', windows))).toBeGreaterThan(30)
      expect(retryAfterOf(await hub.consume('stream', []))).toBeGreaterThan(570)
      expect(await hub.countConsumed('mint', 60_000)).toBe(2)
    } finally {
      await first.stop()
    }
  }
})
