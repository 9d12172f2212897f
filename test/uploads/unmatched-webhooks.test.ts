/** A webhook that arrives before the response to the mint request it belongs to. */
import { onTestFinished, expect, it } from 'vitest'
import { createMemoryRateLimiter } from '../../src/rate-limits/memory-rate-limiter.ts'
import { createMemoryPubSub } from '../../src/pubsub/memory-pubsub.ts'
import { createSqliteStore } from '../../src/store/sqlite/sqlite-store.ts'
import type { StreamApi } from '../../src/uploads/ports/stream-api.ts'
import { createPlaybackTokens } from '../../src/stream/playback-tokens.ts'
import { createRestStreamApi } from '../../src/stream/rest/rest-stream-api.ts'
import { readVideo } from '../../src/stream/read-video.ts'
import { noopTelemetry } from '../../src/telemetry/noop-telemetry.ts'
import { createCreationStore } from '../../src/uploads/create/creation-store.ts'
import { createUpload } from '../../src/uploads/create/create-upload.ts'
import { createScheduling } from '../../src/node/server/accept-priority.ts'
import { createPageTurns } from '../../src/node/page-turns.ts'
import type { Dependencies } from '../../src/uploads/dependencies.ts'
import { createCallerRateLimit } from '../../src/uploads/caller-rate-limit.ts'
import { receiveWebhook } from '../../src/uploads/status/receive-webhook.ts'
import { createWatchRegistry } from '../../src/uploads/watch/watch-registry.ts'
import { createTestClock } from '../kit/clock.ts'
import { startTestEmulator } from '../kit/emulator.ts'
import { requestOf } from '../kit/samples.ts'
import { alice } from '../kit/viewer.ts'

const ignore = () => undefined

async function startDependencies(): Promise<Dependencies> {
  const emulator = await startTestEmulator()
  const store = createSqliteStore(':memory:')
  onTestFinished(() => store.close())
  const stream = createRestStreamApi({
    accountId: emulator.accountId,
    apiToken: emulator.token,
    baseUrl: emulator.apiBaseUrl,
  })
  const rateLimiter = createMemoryRateLimiter(() => 0)
  const clock = createTestClock()
  return {
    stream,
    backgroundStream: stream,
    store,
    creations: createCreationStore(store, rateLimiter),
    callbacks: null,
    pubsub: createMemoryPubSub(),
    clock,
    log: { debug: ignore, info: ignore, warn: ignore, error: ignore },
    telemetry: noopTelemetry,
    policy: {
      maxDurationSeconds: 36_000,
      creatorQuotaSeconds: null,
      createsPerMinute: 60,
      watermarkUid: null,
    },
    createLimit: createCallerRateLimit(rateLimiter, 'mint'),
    deleteLimit: createCallerRateLimit(rateLimiter, 'delete'),
    updateLimit: createCallerRateLimit(rateLimiter, 'update'),
    playbackTokens: createPlaybackTokens({
      sign: null,
      stream,
      clock,
      inFlight: new Map(),
      signaturesInFlight: new Map(),
    }),
    playbackLimit: createCallerRateLimit(rateLimiter, 'playback'),
    watchRegistry: createWatchRegistry(),
    closing: new AbortController().signal,
    mintsInFlight: new Map(),
    deletionsInFlight: new Map(),
    updatesInFlight: new Map(),
    pageTurns: createPageTurns(createScheduling()),
    readVideo: (body) => readVideo(JSON.parse(body)),
    newId: () => crypto.randomUUID(),
  }
}

/** The body of a webhook for a video that is ready. */
function readyWebhook(uid: string): string {
  return JSON.stringify({ uid, readyToStream: true, status: { state: 'ready' }, duration: 6 })
}

/** Calls `notify` after Stream has minted the upload and before the gateway knows it. */
async function mintWithWebhook(dependencies: Dependencies, notify: (uid: string) => Promise<void>) {
  const stream: StreamApi = {
    ...dependencies.stream,
    createDirectUpload: async (params, signal) => {
      const minted = await dependencies.stream.createDirectUpload(params, signal)
      await notify(minted.uid)
      return minted
    },
  }
  const outcome = await createUpload(
    { ...dependencies, stream },
    alice,
    requestOf({ expiry: null }),
  )
  if (outcome.kind !== 'Minted') throw new Error(outcome.message)
  return dependencies.store.find(outcome.upload.uid)
}

function receive(dependencies: Dependencies, uid: string): Promise<'applied' | 'unmatched'> {
  const body = readyWebhook(uid)
  const video = dependencies.readVideo(body)
  if (video === null) throw new Error('The webhook names no video.')
  return receiveWebhook(dependencies, video, body)
}

it('is stored until the upload is known, and applied then', async () => {
  const dependencies = await startDependencies()
  const upload = await mintWithWebhook(dependencies, async (uid) => {
    expect(await receive(dependencies, uid)).toBe('unmatched')
    expect(await receive(dependencies, uid)).toBe('unmatched')
  })
  expect(upload).toMatchObject({ status: 'READY', version: 2, video: { durationSeconds: 6 } })
  expect(await dependencies.store.unmatchedWebhooks(upload?.uid ?? '')).toEqual([])
})

it('is applied when the upload becomes known while the webhook is being stored', async () => {
  const dependencies = await startDependencies()
  let receiving: Promise<'applied' | 'unmatched'> | undefined
  const events = new EventTarget()
  const slow: Dependencies = {
    ...dependencies,
    store: {
      ...dependencies.store,
      saveUnmatchedWebhook: async (uid, body, at) => {
        await new Promise((resolve) => {
          events.addEventListener('open', resolve)
        })
        await dependencies.store.saveUnmatchedWebhook(uid, body, at)
      },
    },
  }
  const minted = await mintWithWebhook(dependencies, async (uid) => {
    receiving = receive(slow, uid)
  })
  expect(minted?.status).toBe('PENDING_UPLOAD')
  events.dispatchEvent(new Event('open'))
  expect(await receiving).toBe('applied')
  expect((await dependencies.store.find(minted?.uid ?? ''))?.status).toBe('READY')
})
