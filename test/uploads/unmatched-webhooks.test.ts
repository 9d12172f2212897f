/** A notice that is faster than the answer it belongs to. */
import { onTestFinished, expect, it } from 'vitest'
import { createMemoryAllowances } from '../../src/rate-limits/memory-rate-limiter.ts'
import { createMemoryEvents } from '../../src/pubsub/memory-pubsub.ts'
import { createSqliteStore } from '../../src/store/sqlite/sqlite-store.ts'
import type { StreamBackend } from '../../src/uploads/ports/stream-api.ts'
import { createRestBackend } from '../../src/stream/rest/rest-stream-api.ts'
import { readVideo } from '../../src/stream/read-video.ts'
import { silentTelemetry } from '../../src/telemetry/noop-telemetry.ts'
import { createUpload } from '../../src/uploads/create/create-upload.ts'
import type { Parts } from '../../src/uploads/dependencies.ts'
import { createRateLimit } from '../../src/uploads/caller-rate-limit.ts'
import { receiveNotice } from '../../src/uploads/status/receive-webhook.ts'
import { createWatchers } from '../../src/uploads/watch/watch-registry.ts'
import { createTestClock } from '../kit/clock.ts'
import { startTestEmulator } from '../kit/emulator.ts'
import { requestOf } from '../kit/samples.ts'

const viewer = { subject: 'alice', isAdmin: false, expiresAt: null }
const quiet = () => undefined

async function startParts(): Promise<Parts> {
  const emulator = await startTestEmulator()
  const store = createSqliteStore(':memory:')
  onTestFinished(() => store.close())
  const stream = createRestBackend({
    accountId: emulator.accountId,
    apiToken: emulator.token,
    baseUrl: emulator.apiBaseUrl,
  })
  const allowances = createMemoryAllowances(() => 0)
  return {
    stream,
    backgroundStream: stream,
    store,
    events: createMemoryEvents(),
    clock: createTestClock(),
    log: { debug: quiet, info: quiet, warn: quiet, error: quiet },
    telemetry: silentTelemetry,
    policy: { maxDurationSeconds: 36_000, creatorQuotaSeconds: null, createsPerMinute: 60 },
    createLimit: createRateLimit(allowances, 'mint', 60),
    deleteLimit: createRateLimit(allowances, 'delete', 60),
    watchers: createWatchers(),
    closing: new AbortController().signal,
    mintsUnderWay: new Map(),
    deletionsUnderWay: new Map(),
    readVideo: (body) => readVideo(JSON.parse(body)),
    newId: () => crypto.randomUUID(),
  }
}

/** Stream's word that it is ready, as a notice would carry it. */
function readyNotice(uid: string): string {
  return JSON.stringify({ uid, readyToStream: true, status: { state: 'ready' }, duration: 6 })
}

/** Receives the notice of an upload before its minting is answered, at this moment of it. */
async function mintWithNotice(parts: Parts, notify: (uid: string) => Promise<void>) {
  const stream: StreamBackend = {
    ...parts.stream,
    createDirectUpload: async (order, signal) => {
      const minted = await parts.stream.createDirectUpload(order, signal)
      await notify(minted.uid)
      return minted
    },
  }
  const outcome = await createUpload({ ...parts, stream }, viewer, requestOf({ expiry: null }))
  if (outcome.kind !== 'Minted') throw new Error(outcome.message)
  return parts.store.find(outcome.upload.uid)
}

function receive(parts: Parts, uid: string): Promise<'applied' | 'kept'> {
  const body = readyNotice(uid)
  const video = parts.readVideo(body)
  if (video === null) throw new Error('The notice names no video.')
  return receiveNotice(parts, video, body)
}

it('is kept until the upload is known, and applied then', async () => {
  const parts = await startParts()
  const upload = await mintWithNotice(parts, async (uid) => {
    expect(await receive(parts, uid)).toBe('kept')
    expect(await receive(parts, uid)).toBe('kept')
  })
  expect(upload).toMatchObject({ status: 'READY', version: 2, video: { durationSeconds: 6 } })
  expect(await parts.store.keptNotices(upload?.uid ?? '')).toEqual([])
})

it('is applied where the upload becomes known while the notice is being kept', async () => {
  const parts = await startParts()
  let receiving: Promise<'applied' | 'kept'> | undefined
  const gate = new EventTarget()
  const slow: Parts = {
    ...parts,
    store: {
      ...parts.store,
      keepNotice: async (uid, body, at) => {
        await new Promise((resolve) => {
          gate.addEventListener('open', resolve)
        })
        await parts.store.keepNotice(uid, body, at)
      },
    },
  }
  const minted = await mintWithNotice(parts, async (uid) => {
    receiving = receive(slow, uid)
  })
  expect(minted?.status).toBe('PENDING_UPLOAD')
  gate.dispatchEvent(new Event('open'))
  expect(await receiving).toBe('applied')
  expect((await parts.store.find(minted?.uid ?? ''))?.status).toBe('READY')
})
