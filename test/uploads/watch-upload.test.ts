/** Watching by a carrier that has to be reached first, and that may be lost: what is shown, and what is left behind. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createMemoryEvents } from '../../src/pubsub/memory-pubsub.ts'
import type { UploadEvents } from '../../src/uploads/ports/upload-pubsub.ts'
import { createSqliteStore } from '../../src/store/sqlite/sqlite-store.ts'
import type { UploadStore } from '../../src/uploads/ports/upload-store.ts'
import { silentTelemetry } from '../../src/telemetry/noop-telemetry.ts'
import type { UploadChanges } from '../../src/uploads/watch/change-stream.ts'
import { recordEvidence } from '../../src/uploads/status/record-observation.ts'
import type { Upload } from '../../src/uploads/upload.ts'
import type { Viewer } from '../../src/uploads/viewer.ts'
import { MOST_SUBSCRIPTIONS, createWatchers } from '../../src/uploads/watch/watch-registry.ts'
import { watchUpload } from '../../src/uploads/watch-upload.ts'
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
  const carrier = createMemoryEvents()
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
  const events: UploadEvents = {
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
    events,
    reach: () => reaching.abort(),
    fail: () => reaching.abort(new OutOfReach('out of reach')),
    lose() {
      for (const lose of lost) lose()
    },
    listening: () => listening,
  }
}

function partsWith(events: UploadEvents) {
  return {
    store,
    events,
    clock: createTestClock(),
    watchers: createWatchers(),
    closing: new AbortController().signal,
  }
}

function changesOf(outcome: UploadChanges | { readonly kind: string }): UploadChanges {
  if ('kind' in outcome) throw new Error(outcome.kind)
  return outcome
}

/** Records the next version, and says so. */
async function change(events: UploadEvents): Promise<void> {
  const parts = { store, events, telemetry: silentTelemetry }
  const at = new Date(upload.createdAt.getTime() + 1000)
  await recordEvidence(parts, upload.uid, { kind: 'deleted', source: 'MUTATION', at })
}

describe.each([
  ['one upload', (parts: ReturnType<typeof partsWith>) => watchUpload(parts, viewer, upload.uid)],
  ['all uploads', (parts: ReturnType<typeof partsWith>) => watchUploads(parts, viewer)],
])('who watches %s', (_name, watch) => {
  it('is told where nothing can be heard, and leaves nothing behind', async () => {
    const carrier = distant()
    const parts = partsWith(carrier.events)
    carrier.fail()
    for (let time = 0; time <= MOST_SUBSCRIPTIONS; time += 1) {
      await expect(watch(parts)).rejects.toThrow('out of reach')
    }
    expect(carrier.listening()).toBe(0)
    expect(parts.watchers.watched(parts.clock.now()).size).toBe(0)
  })

  it('is at an end where the carrier is lost', async () => {
    const carrier = distant()
    carrier.reach()
    const changes = changesOf(await watch(partsWith(carrier.events)))
    carrier.lose()
    const seen: string[] = []
    for await (const { status } of changes) seen.push(status)
    expect(seen.filter((status) => status !== 'PENDING_UPLOAD')).toEqual([])
    expect(carrier.listening()).toBe(0)
  })
})

it('the present state is read once changes are heard, so that none is lost between', async () => {
  const carrier = distant()
  const watching = watchUpload(partsWith(carrier.events), viewer, upload.uid)
  // Nobody hears this one: it must be in what is read.
  await change(carrier.events)
  carrier.reach()
  const { value } = await changesOf(await watching).next()
  expect(value).toMatchObject({ status: 'DELETED', version: 2 })
})
