/** Sync during failures: one failing video or lost response must not affect other uploads. */
import { copyFile } from 'node:fs/promises'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { type TestGateway, startTestGateway } from '../kit/gateway.ts'
import { testcardFile } from '../kit/media.ts'
import {
  createDirectUpload,
  createTusUpload,
  expectMinted,
  postFile,
  storageUsage,
} from '../kit/operations.ts'

async function statusOf(gateway: TestGateway, uid: string): Promise<string> {
  const { upload } = await gateway
    .as()
    .request(
      z.object({ upload: z.object({ status: z.string() }) }),
      'query ($uid: ID!) { upload(uid: $uid) { status } }',
      { uid },
    )
  return upload.status
}

/** Advances both clocks in steps of 5 seconds until the condition is true. */
async function advanceUntil(
  gateway: TestGateway,
  condition: () => Promise<boolean>,
): Promise<void> {
  for (let seconds = 0; seconds < 600; seconds += 5) {
    if (await condition()) return
    gateway.clock.advance(5)
    await gateway.emulator.advanceClock(5)
  }
  throw new Error('The condition was not true within ten minutes.')
}

describe('sync', () => {
  it('finds READY within a minute if all webhooks are lost and no client watches', async () => {
    const gateway = await startTestGateway()
    await gateway.emulator.fault({ on: 'webhook', times: 1000, drop: true })
    const { uid, uploadURL } = expectMinted(await createDirectUpload(gateway.as()))
    await postFile(uploadURL, testcardFile())
    let waited = 0
    const uploads = z.object({
      uploads: z.object({ nodes: z.array(z.object({ status: z.string() })) }),
    })
    for (;;) {
      const result = await gateway.as().request(uploads, '{ uploads { nodes { status } } }')
      if (result.uploads.nodes[0]?.status === 'READY') break
      waited += 5
      gateway.clock.advance(5)
      await gateway.emulator.advanceClock(5)
    }
    expect(waited).toBeLessThanOrEqual(60)
    expect(await statusOf(gateway, uid)).toBe('READY')
  })

  it('continues with other uploads if polling one fails', async () => {
    const gateway = await startTestGateway()
    const lost = expectMinted(await createDirectUpload(gateway.as()))
    const restored = expectMinted(await createDirectUpload(gateway.as()))
    await fetch(`${gateway.emulator.apiBaseUrl}/accounts/local/stream/${lost.uid}`, {
      method: 'DELETE',
      headers: { authorization: 'Bearer local-token' },
    })
    await gateway.emulator.fault({ on: 'webhook', times: 1000, drop: true })
    await gateway.emulator.fault({ on: 'details', times: 1000, status: 500 })
    await postFile(restored.uploadURL, testcardFile())
    await advanceUntil(gateway, async () => (await statusOf(gateway, restored.uid)) === 'READY')
    expect(await statusOf(gateway, lost.uid)).toBe('PENDING_UPLOAD')
    await gateway.emulator.clearFaults()
    await advanceUntil(gateway, async () => (await statusOf(gateway, lost.uid)) === 'DELETED')
  })

  it('does not poll during the Retry-After of Stream', async () => {
    const gateway = await startTestGateway()
    expectMinted(await createDirectUpload(gateway.as()))
    const listed = async () => (await gateway.emulator.state()).requests['list'] ?? 0
    const before = await listed()
    await gateway.emulator.fault({ on: 'list', times: 1000, status: 429, retryAfterSeconds: 120 })
    await advanceUntil(gateway, async () => (await listed()) > before)
    for (let round = 0; round < 20; round += 1) {
      gateway.clock.advance(5)
      await gateway.emulator.state()
    }
    expect(await listed()).toBe(before + 1)
    const outcome = await createDirectUpload(gateway.as())
    expect(outcome).toMatchObject({ __typename: 'RateLimitedError' })
    expect('retryAfterSeconds' in outcome && outcome.retryAfterSeconds).toBeLessThanOrEqual(120)
  })

  it('does not delete uploads that are missing in a copy of the database', async () => {
    const original = await startTestGateway()
    const before = expectMinted(await createDirectUpload(original.as()))
    const copy = `${original.databaseFile}.copy`
    await copyFile(original.databaseFile, copy)
    await copyFile(`${original.databaseFile}-wal`, `${copy}-wal`)
    const after = expectMinted(await createTusUpload(original.as(), { sizeBytes: 5 }))

    const { apiBaseUrl } = original.emulator
    const restored = await startTestGateway({
      DATABASE_URL: `file:${copy}`,
      CLOUDFLARE_API_BASE_URL: apiBaseUrl,
      CLOUDFLARE_ACCOUNT_ID: 'local',
      CLOUDFLARE_API_TOKEN: 'local-token',
      AUTH_DISABLED: 'true',
    })
    for (let round = 0; round < 10; round += 1) {
      restored.clock.advance(60)
      expect(await statusOf(restored, before.uid)).toBe('PENDING_UPLOAD')
    }
    const { videos, requests } = await original.emulator.state()
    expect(requests['list']).toBeGreaterThan(0)
    expect(new Set(videos.map((video) => video.uid))).toEqual(new Set([before.uid, after.uid]))
  })

  it('deletes a video that Stream created after the reservation was released', async () => {
    const gateway = await startTestGateway()
    await gateway.emulator.fault({ on: 'direct_upload', times: 1, delayMs: 500 })
    const creation = createDirectUpload(gateway.as())
    while (((await gateway.emulator.state()).requests['direct_upload'] ?? 0) === 0);
    // As after a suspend: the reservation is released before the response arrives.
    while ((await storageUsage(gateway.as())).reservedMinutes > 0) gateway.clock.advance(31)
    await expect(creation).rejects.toThrow('timed out after 30 seconds')
    while (((await gateway.emulator.state()).requests['delete'] ?? 0) === 0);
    expect((await gateway.emulator.state()).videos).toEqual([])
  })
})
