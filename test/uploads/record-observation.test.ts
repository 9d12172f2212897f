/** Evidence from everywhere at once, on a real store: what is recorded, and what watchers see of it. */
import { setMaxListeners } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createMemoryEvents } from '../../src/pubsub/memory-pubsub.ts'
import type { UploadStore } from '../../src/uploads/ports/upload-store.ts'
import { createSqliteStore } from '../../src/store/sqlite/sqlite-store.ts'
import { silentTelemetry } from '../../src/telemetry/noop-telemetry.ts'
import { type Evidence, applyEvidence, legalMoves } from '../../src/uploads/status/state-machine.ts'
import { recordEvidence } from '../../src/uploads/status/record-observation.ts'
import type { Upload } from '../../src/uploads/upload.ts'
import { createWatchers } from '../../src/uploads/watch/watch-registry.ts'
import { watchUpload } from '../../src/uploads/watch-upload.ts'
import { mintIn } from '../contracts/store-suite.ts'
import { createTestClock } from '../kit/clock.ts'
import { anyEvidence } from '../kit/observations.ts'
import { after, videoOf } from '../kit/samples.ts'

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
const mintOne = (): Promise<Upload> => mintIn(store, { id: `upload-${(minted += 1)}` })

/** A store whose every answer comes late, by turns that a seed decides: writers overtake each other. */
function scheduled(scheduler: fc.Scheduler): UploadStore {
  return {
    ...store,
    find: scheduler.scheduleFunction(async (uid: string) => store.find(uid)),
    advance: scheduler.scheduleFunction((change: Parameters<UploadStore['advance']>[0]) =>
      store.advance(change),
    ),
  }
}

const sameFacts = ({ status, progress, failure, video }: Upload) => ({
  status,
  progress,
  failure,
  video,
})

describe('mutations, webhooks and synchronisation at once', () => {
  it('record exactly the accepted moves, one version at a time, and end where any order ends', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.scheduler(),
        fc.array(anyEvidence, { minLength: 1, maxLength: 8 }),
        async (scheduler, evidence) => {
          const upload = await mintOne()
          const events = createMemoryEvents()
          const published: Upload[] = []
          events.subscribe({ of: 'upload', uid: upload.uid }, (change) => published.push(change))
          const telemetry = silentTelemetry
          const parts = { store: scheduled(scheduler), events, telemetry }
          await scheduler.waitFor(
            Promise.all(evidence.map((seen) => recordEvidence(parts, upload.uid, seen))),
          )

          const last = (await store.find(upload.uid)) ?? upload
          expect(sameFacts(last)).toEqual(sameFacts(inTurn(upload, evidence)))
          expect(published.map((change) => change.version)).toEqual(
            Array.from({ length: last.version - 1 }, (_, index) => index + 2),
          )
          const history = (await store.historyOf([upload.id])).get(upload.id) ?? []
          const statuses = history.map((event) => event.status)
          expect(statuses.slice(1)).toEqual(movesOf(upload, published))
          for (const [index, status] of statuses.slice(1).entries()) {
            expect(legalMoves[statuses[index] ?? 'PENDING_UPLOAD']).toContain(status)
          }
        },
      ),
      { numRuns: 150 },
    )
  })

  it('are read from the database once for each change, however many watch', async () => {
    const upload = await mintOne()
    const events = createMemoryEvents()
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
    const watchers = createWatchers()
    const parts = {
      store: counting,
      events,
      clock,
      telemetry: silentTelemetry,
      watchers,
      closing: closing.signal,
    }
    const viewer = { subject: 'alice', isAdmin: false, expiresAt: null }
    const watches = await Promise.all(
      Array.from({ length: 100 }, () => watchUpload(parts, viewer, upload.uid)),
    )
    const subscribed = watches.flatMap((outcome) => ('kind' in outcome ? [] : [outcome]))
    expect(subscribed).toHaveLength(100)
    for (const changes of subscribed) await changes.next()
    expect(reads).toBe(100)

    const at = clock.now()
    await recordEvidence(parts, upload.uid, {
      kind: 'offset',
      source: 'SYNC',
      at,
      receivedBytes: 5,
    })
    for (const changes of subscribed) {
      expect(await changes.next()).toMatchObject({ value: { version: 2, status: 'UPLOADING' } })
    }
    expect(reads).toBe(101)

    expect(watchers.watched(at)).toEqual(new Set([upload.uid]))
    const waiting = subscribed.map(async (changes) => changes.next())
    for (const changes of subscribed) await changes.return?.()
    expect(await Promise.all(waiting)).toEqual(
      Array.from({ length: 100 }, () => ({ done: true, value: undefined })),
    )
    expect(watchers.watched(at)).toEqual(new Set())
  })
})

/** What the evidence comes to, one piece after the other. */
function inTurn(upload: Upload, evidence: readonly Evidence[]): Upload {
  return evidence.reduce((state, seen) => applyEvidence(state, seen) ?? state, upload)
}

/** The statuses that changed, in the order in which they were published. */
function movesOf(upload: Upload, published: readonly Upload[]): readonly string[] {
  let { status } = upload
  return published.flatMap((change) => {
    if (change.status === status) return []
    status = change.status
    return [status]
  })
}

const parts = () => ({ store, events: createMemoryEvents(), telemetry: silentTelemetry })
const dueUids = async (second: number) =>
  (await store.claimDue(after(second), 9999, after(second))).map(({ upload }) => upload.uid)

describe('a webhook about a video that Stream did not know when it was asked', () => {
  it.each([
    ['with news', 'ready'],
    ['without', 'pendingupload'],
  ] as const)('has Stream asked again soon: %s', async (_name, state) => {
    const { uid } = await mintOne()
    const gone = { kind: 'absent', source: 'SYNC', at: after(100) } as const
    expect(await recordEvidence(parts(), uid, gone)).toMatchObject({ status: 'DELETED' })
    expect(await dueUids(399)).not.toContain(uid)
    const video = videoOf({ uid, state })
    const webhook = { kind: 'described', source: 'WEBHOOK', at: after(110), video } as const
    expect(await recordEvidence(parts(), uid, webhook)).toMatchObject({ status: 'DELETED' })
    expect(await dueUids(114)).not.toContain(uid)
    expect(await dueUids(115)).toContain(uid)
  })

  it('changes nothing where the gateway deleted it', async () => {
    const { uid } = await mintOne()
    const deleted = { kind: 'deleted', source: 'MUTATION', at: after(100) } as const
    await recordEvidence(parts(), uid, deleted)
    const video = videoOf({ uid, state: 'ready' })
    const webhook = { kind: 'described', source: 'WEBHOOK', at: after(110), video } as const
    expect(await recordEvidence(parts(), uid, webhook)).toMatchObject({ status: 'DELETED' })
    expect(await dueUids(1e7)).not.toContain(uid)
  })
})
