/** Finding orphans among many pending videos. */
import { expect, it } from 'vitest'
import { createRestStreamApi } from '../../src/stream/rest/rest-stream-api.ts'
import { createFetchTransport } from '../../src/stream/rest/fetch-transport.ts'
import { MAX_RESPONSE_BYTES } from '../../src/stream/rest/transport.ts'
import { listPendingVideos } from '../../src/uploads/sync/delete-orphans.ts'
import { startTestEmulator } from '../kit/emulator.ts'

const VIDEOS = 600
const CONCURRENT = 50
/** Largest meta and origins that a creation accepts; each of these characters has three bytes. */
const META = { note: '€'.repeat(4000) }
const ORIGINS = Array.from({ length: 60 }, (_, index) => `${index}.`.padEnd(67, 'a'))

it('lists all pending videos with the largest metas, although their texts exceed one response', async () => {
  const emulator = await startTestEmulator({ storageMinutes: 100_000 })
  const stream = createRestStreamApi({
    accountId: emulator.accountId,
    apiToken: emulator.token,
    baseUrl: emulator.apiBaseUrl,
    send: createFetchTransport(),
  })
  const createdAfter = new Date(Date.now() - 60_000)
  const uids: string[] = []
  while (uids.length < VIDEOS) {
    const minted = await Promise.all(
      Array.from({ length: CONCURRENT }, () =>
        stream.createDirectUpload({
          maxDurationSeconds: 60,
          creator: 'alice',
          meta: META,
          expiresAt: new Date(Date.now() + 3_600_000),
          allowedOrigins: ORIGINS,
          requireSignedURLs: false,
          scheduledDeletion: null,
          thumbnailTimestampPct: null,
          watermarkUid: null,
        }),
      ),
    )
    uids.push(...minted.map(({ uid }) => uid))
  }
  const listed: string[] = []
  let bytes = 0
  for await (const videos of listPendingVideos(stream, { createdAfter })) {
    listed.push(...videos.map(({ uid }) => uid))
    bytes += Buffer.byteLength(JSON.stringify(videos))
  }
  expect(listed.toSorted()).toEqual(uids.toSorted())
  expect(bytes).toBeGreaterThan(MAX_RESPONSE_BYTES)
})
