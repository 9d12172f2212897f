/** Concurrent observations on a real store: what is recorded, and what subscribers receive. */
import { setMaxListeners } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createMemoryPubSub } from '../../src/pubsub/memory-pubsub.ts'
import type { UploadStore } from '../../src/uploads/ports/upload-store.ts'
import { createSqliteStore } from '../../src/store/sqlite/sqlite-store.ts'
import { noopTelemetry } from '../../src/telemetry/noop-telemetry.ts'
import {
  type Observation,
  applyObservation,
  allowedTransitions,
} from '../../src/uploads/status/state-machine.ts'
import { recordObservation } from '../../src/uploads/status/record-observation.ts'
import type { Upload } from '../../src/uploads/upload.ts'
import { createWatchRegistry } from '../../src/uploads/watch/watch-registry.ts'
import { watchUpload } from '../../src/uploads/watch/watch-uploads.ts'
import { mintIn } from '../contracts/store-suite.ts'
import { createTestClock } from '../kit/clock.ts'
import { anyObservation } from '../kit/observations.ts'
import { after, videoOf } from '../kit/samples.ts'
import { alice } from '../kit/viewer.ts'

let folder = ''
let store: UploadStore

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'headgate-test-'))
  store = createSqliteStore(join(folder, 'uploads.db'))
})

afterAll(async () => {
  await store.close()
  await rm(folder, { recursive: true, force: true })
})

let minted = 0
const mintNext = (): Promise<Upload> => mintIn(store, { id: `upload-${(minted += 1)}` })

/** A store whose calls resolve in an order that a seed decides, so that writers overtake each other. */
function scheduled(scheduler: fc.Scheduler): UploadStore {
  return {
    ...store,
    find: scheduler.scheduleFunction(async (uid: string) => store.find(uid)),
    saveVersion: scheduler.scheduleFunction((change: Parameters<UploadStore['saveVersion']>[0]) =>
      store.saveVersion(change),
    ),
  }
}

const comparable = ({ status, progress, failure, video }: Upload) => ({
  status,
  progress,
  failure,
  video,
})

describe('concurrent mutations, webhooks and polls', () => {
  it('record the accepted transitions, one version at a time, with the result of any sequential order', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.scheduler(),
        fc.array(anyObservation, { minLength: 1, maxLength: 8 }),
        async (scheduler, observations) => {
          const upload = await mintNext()
          const pubsub = createMemoryPubSub()
          const published: Upload[] = []
          pubsub.subscribe({ of: 'upload', uid: upload.uid }, (change) => published.push(change))
          const telemetry = noopTelemetry
          const callbacks = null
          const dependencies = { store: scheduled(scheduler), callbacks, pubsub, telemetry }
          await scheduler.waitFor(
            Promise.all(
              observations.map((seen) => recordObservation(dependencies, upload.uid, seen)),
            ),
          )

          const last = (await store.find(upload.uid)) ?? upload
          expect(comparable(last)).toEqual(comparable(applyInOrder(upload, observations)))
          expect(published.map((change) => change.version)).toEqual(
            Array.from({ length: last.version - 1 }, (_, index) => index + 2),
          )
          const history = (await store.historyOf([upload.id])).get(upload.id) ?? []
          const statuses = history.map((event) => event.status)
          expect(statuses.slice(1)).toEqual(transitionsOf(upload, published))
          for (const [index, status] of statuses.slice(1).entries()) {
            expect(allowedTransitions[statuses[index] ?? 'PENDING_UPLOAD']).toContain(status)
          }
        },
      ),
      { numRuns: 150 },
    )
  })

  it('are read from the store once for each change, with many subscribers', async () => {
    const upload = await mintNext()
    const pubsub = createMemoryPubSub()
    let reads = 0
    const counting: UploadStore = {
      ...store,
      find: (uid) => {
        reads += 1
        return store.find(uid)
      },
    }
    const closing = new AbortController()
    setMaxListeners(0, closing.signal)
    const clock = createTestClock()
    const watchRegistry = createWatchRegistry()
    const dependencies = {
      store: counting,
      callbacks: null,
      pubsub,
      clock,
      telemetry: noopTelemetry,
      watchRegistry,
      closing: closing.signal,
    }
    const watches = await Promise.all(
      Array.from({ length: 100 }, () => watchUpload(dependencies, alice, upload.uid)),
    )
    const subscribed = watches.flatMap((outcome) => ('kind' in outcome ? [] : [outcome]))
    expect(subscribed).toHaveLength(100)
    for (const changes of subscribed) await changes.next()
    expect(reads).toBe(100)

    const at = clock.now()
    await recordObservation(dependencies, upload.uid, {
      kind: 'offset',
      source: 'SYNC',
      at,
      receivedBytes: 5,
    })
    for (const changes of subscribed) {
      expect(await changes.next()).toMatchObject({ value: { version: 2, status: 'UPLOADING' } })
    }
    expect(reads).toBe(101)

    expect(watchRegistry.watchedUids(at)).toEqual(new Set([upload.uid]))
    const waiting = subscribed.map(async (changes) => changes.next())
    for (const changes of subscribed) await changes.return?.()
    expect(await Promise.all(waiting)).toEqual(
      Array.from({ length: 100 }, () => ({ done: true, value: undefined })),
    )
    expect(watchRegistry.watchedUids(at)).toEqual(new Set())
  })
})

/** Applies the observations one after the other. */
function applyInOrder(upload: Upload, observations: readonly Observation[]): Upload {
  return observations.reduce((state, seen) => applyObservation(state, seen) ?? state, upload)
}

/** Returns the statuses that changed, in the order of publication. */
function transitionsOf(upload: Upload, published: readonly Upload[]): readonly string[] {
  let { status } = upload
  return published.flatMap((change) => {
    if (change.status === status) return []
    status = change.status
    return [status]
  })
}

const dependencies = () => ({
  store,
  callbacks: null,
  pubsub: createMemoryPubSub(),
  telemetry: noopTelemetry,
})
const dueUids = async (second: number) =>
  (await store.findDue(after(second), 9999)).map(({ upload }) => upload.uid)

describe('a webhook about a video that a poll did not find', () => {
  it.each([
    ['with a new state', 'ready'],
    ['without a new state', 'pendingupload'],
  ] as const)('schedules a poll soon: %s', async (_name, state) => {
    const { uid } = await mintNext()
    const notFound = { kind: 'not-found', source: 'SYNC', at: after(100) } as const
    expect(await recordObservation(dependencies(), uid, notFound)).toMatchObject({
      status: 'DELETED',
    })
    expect(await dueUids(399)).not.toContain(uid)
    const video = videoOf({ uid, state })
    const webhook = { kind: 'video', source: 'WEBHOOK', at: after(110), video } as const
    expect(await recordObservation(dependencies(), uid, webhook)).toMatchObject({
      status: 'DELETED',
    })
    expect(await dueUids(114)).not.toContain(uid)
    expect(await dueUids(115)).toContain(uid)
  })

  it('changes nothing when the gateway deleted the video', async () => {
    const { uid } = await mintNext()
    const deleted = { kind: 'deleted', source: 'MUTATION', at: after(100) } as const
    await recordObservation(dependencies(), uid, deleted)
    const video = videoOf({ uid, state: 'ready' })
    const webhook = { kind: 'video', source: 'WEBHOOK', at: after(110), video } as const
    expect(await recordObservation(dependencies(), uid, webhook)).toMatchObject({
      status: 'DELETED',
    })
    expect(await dueUids(1e7)).not.toContain(uid)
  })
})
