/** The hub in workerd: what it promises for events and allowances, and what becomes of it. */
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

/** Nobody has used a hub of this name. */
function newHub(): string {
  hubs += 1
  return `hub ${hubs}`
}

interface Client extends OpenedPubSub {
  readonly clock: TestClock
}

/** Node makes no answer of status 101. */
function socketResponse(status: number, webSocket: WorkerWebSocket | null): WebSocketResponse {
  const response = new Response(null)
  return Object.defineProperties(Object.assign(response, { webSocket }), {
    status: { value: status },
  })
}

/** One isolate's way to a hub. */
function open(name: string, failed: HubPubSubOptions['failed'] = fail): Client {
  const sockets: Counting[] = []
  const underWay = new Set<Promise<unknown>>()
  const clock = createTestClock()
  const hub = createHubClient(
    {
      idFromName: (given) => worker.hubs.idFromName(given),
      get(id) {
        const stub = worker.hubs.get(id)
        return {
          ...stub,
          async fetch(request) {
            const { webSocket, status } = await stub.fetch(request)
            const socket = webSocket === null ? null : counting(webSocket)
            if (socket !== null) sockets.push(socket)
            return socketResponse(status, socket)
          },
        }
      },
    },
    clock,
    name,
  )
  const events = createHubPubSub({
    hub,
    failed,
    keepAlive(work) {
      underWay.add(work)
      void work.finally(() => underWay.delete(work))
    },
  })
  return {
    pubsub: events,
    clock,
    async delivered() {
      await Promise.all(underWay)
      await Promise.all(sockets.map((socket) => socket.heardAll()))
    },
  }
}

function fail(error: unknown): void {
  throw error
}

/** The same end, which knows whether it has an answer to everything that it asked. */
interface Counting extends WorkerWebSocket {
  /** Resolves once all that was said to it has come, or it is closed. */
  heardAll(): Promise<void>
}

function counting(socket: WorkerWebSocket): Counting {
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
    async heardAll() {
      if (!state.isOpen) return
      // An answer comes after whatever was said before it.
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
  const [one, other] = [open(name), open(name)]
  return {
    pubsub: {
      publish: (upload) => one.pubsub.publish(upload),
      subscribe: (topic, listener, lost) => other.pubsub.subscribe(topic, listener, lost),
    },
    async delivered() {
      await one.delivered()
      await other.delivered()
    },
  }
})

async function listen(
  { pubsub }: { readonly pubsub: UploadPubSub },
  topic: Topic,
): Promise<string[]> {
  const heard: string[] = []
  const { ready } = pubsub.subscribe(topic, ({ uid, version }) => heard.push(`${uid}${version}`))
  await ready
  return heard
}

describe('what comes late', () => {
  test('is not heard after what is newer', async () => {
    const client = open(newHub())
    const heard = await listen(client, { of: 'all' })
    for (const version of [1, 3, 2, 3, 4]) client.pubsub.publish(uploadOf({ uid: 'a', version }))
    await client.delivered()
    expect(heard).toEqual(['a1', 'a3', 'a4'])
  })

  test('has nobody who was there from the beginning miss anything', async () => {
    const client = open(newHub())
    const { ready } = client.pubsub.subscribe({ of: 'all' }, () => undefined)
    await ready
    const heard = await listen(client, { of: 'upload', uid: 'x'.repeat(1000) })
    client.pubsub.publish(uploadOf({ uid: 'y' }))
    await client.delivered()
    expect(heard).toEqual([])
  })
})

describe('a hub that is asked whether it is there', () => {
  test('answers, however long nothing happens', async () => {
    const client = open(newHub())
    let lost = 0
    const heard: number[] = []
    const { ready } = client.pubsub.subscribe(
      { of: 'all' },
      ({ version }) => heard.push(version),
      () => (lost += 1),
    )
    await ready
    for (let minute = 1; minute <= 3; minute += 1) {
      client.clock.advance(21)
      await client.delivered()
    }
    client.pubsub.publish(uploadOf({ version: 7 }))
    await client.delivered()
    expect([lost, heard]).toEqual([0, [7]])
  })

  test('and is no more, is noticed', async () => {
    const other = await startWorker()
    onTestFinished(() => other.stop())
    const hub = createHubClient(other.hubs, createTestClock())
    const events = createHubPubSub({ hub, keepAlive: () => undefined, failed: fail })
    const lost = new Promise<string>((resolve) => {
      const { ready } = events.subscribe(
        { of: 'all' },
        () => undefined,
        () => resolve('lost'),
      )
      ready.then(() => other.stop(), fail)
    })
    expect(await lost).toBe('lost')
  })
})

test('what was taken and held is remembered by a hub that begins anew', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'headgate-hub-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  const within = [{ limit: 2, windowMs: 60_000 }]
  for (const waits of [[null, null], []]) {
    const one = await startWorker({ hubFolder: folder })
    try {
      const hub = createHubClient(one.hubs, createTestClock())
      for (const wait of waits) {
        expect(retryAfterOf(await hub.consume('mint', within))).toBe(wait)
        await hub.block('stream', 600_000)
      }
      expect(retryAfterOf(await hub.consume('mint', within))).toBeGreaterThan(30)
      expect(retryAfterOf(await hub.consume('stream', []))).toBeGreaterThan(570)
      expect(await hub.countConsumed('mint', 60_000)).toBe(2)
    } finally {
      await one.stop()
    }
  }
})
