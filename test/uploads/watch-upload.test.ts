/** Watching by a carrier that has to be reached first, and that may be lost: what is shown, and what is left behind. */
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
import { watchUpload } from '../../src/uploads/watch/watch-uploads.ts'
import { watchUploads } from '../../src/uploads/watch/watch-uploads.ts'
import { mintIn } from '../contracts/store-suite.ts'
import { createTestClock } from '../kit/clock.ts'

const viewer: Viewer = { subject: 'alice', isAdmin: true, expiresAt: null }

let store: UploadStore
let upload: Upload

beforeEach(async () => {
  store = createSqliteStore(':memory:')
  upload = await mintIn(store, { id: 'reference' })
})
afterEach(() => store.close())

class OutOfReach extends Error {}

/** A carrier of which the test says when it is reached, and that it is lost. */
function distant() {
  const carrier = createMemoryPubSub()
  const lost = new Set<() => void>()
  let listening = 0
  const reaching = new AbortController()
  const reached = new Promise<void>((resolve, reject) => {
    reaching.signal.addEventListener('abort', () => {
      const { reason }: { reason: unknown } = reaching.signal
      if (reason instanceof OutOfReach) reject(reason)
      else resolve()
    })
  })
  const pubsub: UploadPubSub = {
    publish: (changed) => carrier.publish(changed),
    subscribe(topic, listener, lose) {
      listening += 1
      if (lose !== undefined) lost.add(lose)
      const listens = reached.then(() => carrier.subscribe(topic, listener))
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
    reach: () => reaching.abort(),
    fail: () => reaching.abort(new OutOfReach('out of reach')),
    lose() {
      for (const lose of lost) lose()
    },
    listening: () => listening,
  }
}

function dependenciesWith(pubsub: UploadPubSub, closing = new AbortController().signal) {
  return {
    store,
    pubsub,
    clock: createTestClock(),
    watchers: createWatchRegistry(),
    closing,
  }
}

function changesOf(outcome: UploadChanges | { readonly kind: string }): UploadChanges {
  if ('kind' in outcome) throw new Error(outcome.kind)
  return outcome
}

/** Records the next version, and says so. */
async function change(pubsub: UploadPubSub): Promise<void> {
  const dependencies = { store, pubsub, telemetry: noopTelemetry }
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
])('who watches %s', (_name, watch) => {
  it('is told where nothing can be heard, and leaves nothing behind', async () => {
    const carrier = distant()
    const dependencies = dependenciesWith(carrier.pubsub)
    carrier.fail()
    for (let time = 0; time <= MAX_SUBSCRIPTIONS_PER_CALLER; time += 1) {
      await expect(watch(dependencies)).rejects.toThrow('out of reach')
    }
    expect(carrier.listening()).toBe(0)
    expect(dependencies.watchers.watchedUids(dependencies.clock.now()).size).toBe(0)
  })

  it('is at an end where the carrier is lost', async () => {
    const carrier = distant()
    carrier.reach()
    const changes = changesOf(await watch(dependenciesWith(carrier.pubsub)))
    carrier.lose()
    const seen: string[] = []
    for await (const { status } of changes) seen.push(status)
    expect(seen.filter((status) => status !== 'PENDING_UPLOAD')).toEqual([])
    expect(carrier.listening()).toBe(0)
  })
})

it('the present state is read once changes are heard, so that none is lost between', async () => {
  const carrier = distant()
  const watching = watchUpload(dependenciesWith(carrier.pubsub), viewer, upload.uid)
  // Nobody hears this one: it must be in what is read.
  await change(carrier.pubsub)
  carrier.reach()
  const { value } = await changesOf(await watching).next()
  expect(value).toMatchObject({ status: 'DELETED', version: 2 })
})

/** Watches until the upload has a terminal status, without a read. */
async function watchUnread(watcher: Viewer, closing?: AbortSignal) {
  const pubsub = distant()
  pubsub.reach()
  const dependencies = dependenciesWith(pubsub.pubsub, closing)
  const opened = [
    changesOf(await watchUpload(dependencies, watcher, upload.uid)),
    changesOf(await watchUploads(dependencies, watcher)),
  ]
  await change(pubsub.pubsub)
  return { ...dependencies, opened, listening: pubsub.listening }
}

function countOpen({ watchers }: Pick<ReturnType<typeof dependenciesWith>, 'watchers'>): number {
  let free = 0
  while (watchers.openSubscription(viewer.subject) !== null) free += 1
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
