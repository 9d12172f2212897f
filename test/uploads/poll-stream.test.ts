/** Polling Stream for many uploads. */
import { expect, it, onTestFinished } from 'vitest'
import { createMemoryPubSub } from '../../src/pubsub/memory-pubsub.ts'
import { createSqliteStore } from '../../src/store/sqlite/sqlite-store.ts'
import { createRestStreamApi } from '../../src/stream/rest/rest-stream-api.ts'
import { createFetchTransport } from '../../src/stream/rest/fetch-transport.ts'
import { noopTelemetry } from '../../src/telemetry/noop-telemetry.ts'
import { createMissingUploads } from '../../src/uploads/sync/missing-uploads.ts'
import { pollStream } from '../../src/uploads/sync/poll-stream.ts'
import { createTestClock } from '../kit/clock.ts'
import { startTestEmulator } from '../kit/emulator.ts'
import { testcardFile } from '../kit/media.ts'
import { postFile } from '../kit/operations.ts'
import { reservationOf } from '../kit/samples.ts'
import { silentLogger } from '../kit/served-gateway.ts'
import { startTicks } from '../kit/ticks.ts'

const UPLOADS = 40

it('reschedules all uploads that did not change in one write, and counts those that changed', async () => {
  const emulator = await startTestEmulator()
  const stream = createRestStreamApi({
    accountId: emulator.accountId,
    apiToken: emulator.token,
    baseUrl: emulator.apiBaseUrl,
    send: createFetchTransport(),
  })
  const sqlite = createSqliteStore(':memory:')
  onTestFinished(() => sqlite.close())
  /** Number of polls per write. */
  const writes: number[] = []
  const ticks = startTicks()
  onTestFinished(ticks.stop)
  /** Number of compared uploads per tick of the event loop. */
  const compared = new Map<number, number>()
  const store: typeof sqlite = {
    ...sqlite,
    find(uid) {
      compared.set(ticks.count(), (compared.get(ticks.count()) ?? 0) + 1)
      return sqlite.find(uid)
    },
    reschedulePolls(polls) {
      writes.push(polls.length)
      return sqlite.reschedulePolls(polls)
    },
  }
  const clock = createTestClock()
  const now = clock.now()
  const uploadURLs = await Promise.all(
    Array.from({ length: UPLOADS }, async (_, index) => {
      const id = `upload-${index}`
      const expiresAt = new Date(now.getTime() + 3_600_000)
      const reservation = reservationOf({ id, createdAt: now, expiresAt })
      await store.reserve(reservation, { creatorQuotaSeconds: null, keysValidSince: now })
      const { constraints, creator, meta } = reservation
      const params = {
        ...constraints,
        creator,
        meta,
        expiresAt,
        thumbnailTimestampPct: null,
        watermarkUid: null,
      }
      const minted = await stream.createDirectUpload(params)
      await store.mint(reservation, minted, now, now)
      return minted.uploadURL
    }),
  )
  await Promise.all(uploadURLs.slice(0, 3).map((url) => postFile(url, testcardFile())))
  const group = await store.findDue(now, UPLOADS)
  const dependencies = {
    stream,
    store,
    callbacks: null,
    clock,
    pubsub: createMemoryPubSub(),
    log: silentLogger,
    telemetry: noopTelemetry,
  }
  const changed = await pollStream(
    { ...dependencies, missingUploads: createMissingUploads(dependencies) },
    group,
  )
  expect(changed).toBe(3)
  expect(writes).toEqual([UPLOADS - 3])
  expect(await store.findDue(clock.now(), UPLOADS)).toEqual([])
  expect(Math.max(...compared.values())).toBeLessThanOrEqual(20)
})
