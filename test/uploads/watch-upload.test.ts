/** Subscriptions on a pub/sub adapter that becomes ready late or loses its connection. */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { createMemoryPubSub } from '../../src/pubsub/memory-pubsub.ts'
import type { UploadPubSub } from '../../src/uploads/ports/upload-pubsub.ts'
import { createSqliteStore } from '../../src/store/sqlite/sqlite-store.ts'
import type { UploadStore } from '../../src/uploads/ports/upload-store.ts'
import { noopTelemetry } from '../../src/telemetry/noop-telemetry.ts'
import type { UploadChanges } from '../../src/uploads/watch/change-stream.ts'
import { recordObservation } from '../../src/uploads/status/record-observation.ts'
import type { Upload } from '../../src/uploads/upload.ts'
import type { Viewer } from '../../src/uploads/viewer.ts'
import { createWatchRegistry } from '../../src/uploads/watch/watch-registry.ts'
import { MAX_SUBSCRIPTIONS_PER_CALLER } from '../../src/uploads/ports/watch-registry.ts'
import { watchUpload, watchUploads } from '../../src/uploads/watch/watch-uploads.ts'
import { mintIn } from '../contracts/store-suite.ts'
import { createTestClock } from '../kit/clock.ts'
import { alice } from '../kit/viewer.ts'

const viewer: Viewer = { ...alice, isAdmin: true }

let store: UploadStore
let upload: Upload

beforeEach(async () => {
  store = createSqliteStore(':memory:')
  upload = await mintIn(store, { id: 'reference' })
})
afterEach(() => store.close())

class ConnectionFailed extends Error {}

/** A pub/sub adapter whose readiness and loss of connection the test controls. */
function createControlledPubSub() {
  const adapter = createMemoryPubSub()
  const onLostCallbacks = new Set<() => void>()
  let listening = 0
  const connecting = new AbortController()
  const connected = new Promise<void>((resolve, reject) => {
    connecting.signal.addEventListener('abort', () => {
      const { reason }: { reason: unknown } = connecting.signal
      if (reason instanceof ConnectionFailed) reject(reason)
      else resolve()
    })
  })
  const pubsub: UploadPubSub = {
    publish: (published) => adapter.publish(published),
    subscribe(topic, listener, onLost) {
      listening += 1
      if (onLost !== undefined) onLostCallbacks.add(onLost)
      const listens = connected.then(() => adapter.subscribe(topic, listener))
      return {
        ready: listens.then(({ ready }) => ready),
        stop() {
          listening -= 1
          listens.then(
            ({ stop }) => stop(),
            () => undefined,
          )
        },
      }
    },
  }
  return {
    pubsub,
    connect: () => connecting.abort(),
    fail: () => connecting.abort(new ConnectionFailed('out of reach')),
    onLost() {
      for (const onLost of onLostCallbacks) onLost()
    },
    listening: () => listening,
  }
}

function dependenciesWith(pubsub: UploadPubSub, closing = new AbortController().signal) {
  return {
    store,
    pubsub,
    clock: createTestClock(),
    watchRegistry: createWatchRegistry(),
    closing,
  }
}

function changesOf(outcome: UploadChanges | { readonly kind: string }): UploadChanges {
  if ('kind' in outcome) throw new Error(outcome.kind)
  return outcome
}

/** Records and publishes the next version. */
async function change(pubsub: UploadPubSub): Promise<void> {
  const dependencies = { store, callbacks: null, pubsub, telemetry: noopTelemetry }
  const at = new Date(upload.createdAt.getTime() + 1000)
  await recordObservation(dependencies, upload.uid, { kind: 'deleted', source: 'MUTATION', at })
}

describe.each([
  [
    'one upload',
    (dependencies: ReturnType<typeof dependenciesWith>) =>
      watchUpload(dependencies, viewer, upload.uid),
  ],
  [
    'all uploads',
    (dependencies: ReturnType<typeof dependenciesWith>) => watchUploads(dependencies, viewer),
  ],
])('a subscription to %s', (_name, watch) => {
  it('rejects when the adapter fails, and releases everything', async () => {
    const adapter = createControlledPubSub()
    const dependencies = dependenciesWith(adapter.pubsub)
    adapter.fail()
    for (let time = 0; time <= MAX_SUBSCRIPTIONS_PER_CALLER; time += 1) {
      await expect(watch(dependencies)).rejects.toThrow('out of reach')
    }
    expect(adapter.listening()).toBe(0)
    expect(dependencies.watchRegistry.watchedUids(dependencies.clock.now()).size).toBe(0)
  })

  it('ends when the connection is lost', async () => {
    const adapter = createControlledPubSub()
    adapter.connect()
    const changes = changesOf(await watch(dependenciesWith(adapter.pubsub)))
    adapter.onLost()
    const seen: string[] = []
    for await (const { status } of changes) seen.push(status)
    expect(seen.filter((status) => status !== 'PENDING_UPLOAD')).toEqual([])
    expect(adapter.listening()).toBe(0)
  })
})

it('reads the current state after the subscription is ready, so that no change is missed', async () => {
  const adapter = createControlledPubSub()
  const watching = watchUpload(dependenciesWith(adapter.pubsub), viewer, upload.uid)
  // This change has no subscriber yet, and must be in the state that is read.
  await change(adapter.pubsub)
  adapter.connect()
  const { value } = await changesOf(await watching).next()
  expect(value).toMatchObject({ status: 'DELETED', version: 2 })
})

/** Subscribes and publishes a terminal status, without a read. */
async function watchUnread(watcher: Viewer, closing?: AbortSignal) {
  const pubsub = createControlledPubSub()
  pubsub.connect()
  const dependencies = dependenciesWith(pubsub.pubsub, closing)
  const opened = [
    changesOf(await watchUpload(dependencies, watcher, upload.uid)),
    changesOf(await watchUploads(dependencies, watcher)),
  ]
  await change(pubsub.pubsub)
  return { ...dependencies, opened, listening: pubsub.listening }
}

function countOpen({
  watchRegistry,
}: Pick<ReturnType<typeof dependenciesWith>, 'watchRegistry'>): number {
  let free = 0
  while (watchRegistry.openSubscription(viewer.subject) !== null) free += 1
  return MAX_SUBSCRIPTIONS_PER_CALLER - free
}

describe('unread changes', () => {
  it('are dropped when the token expires', async () => {
    const watching = await watchUnread({
      ...viewer,
      expiresAt: new Date(Date.now() + 3_600_000),
    })
    expect(watching.listening()).toBe(2)
    watching.clock.advance(3601)
    await vi.waitFor(() => expect(watching.listening()).toBe(0))
    expect(countOpen(watching)).toBe(0)
    for (const changes of watching.opened) {
      expect(await changes.next()).toEqual({ done: true, value: undefined })
    }
  })

  it('are dropped on shutdown', async () => {
    const stopping = new AbortController()
    const watching = await watchUnread(viewer, stopping.signal)
    stopping.abort()
    expect(watching.listening()).toBe(0)
    expect(countOpen(watching)).toBe(0)
  })
})
