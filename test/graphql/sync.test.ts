/** Synchronisation under trouble: what one video or one lost answer may not do to the others. */
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
    .ask(
      z.object({ upload: z.object({ status: z.string() }) }),
      'query ($uid: ID!) { upload(uid: $uid) { status } }',
      { uid },
    )
  return upload.status
}

/** Moves both clocks on, a round at a time, until it holds. */
async function moveOnUntil(gateway: TestGateway, holds: () => Promise<boolean>): Promise<void> {
  for (let seconds = 0; seconds < 600; seconds += 5) {
    if (await holds()) return
    gateway.clock.advance(5)
    await gateway.emulator.advanceClock(5)
  }
  throw new Error('It did not come to that in ten minutes.')
}

describe('synchronisation', () => {
  it('finds READY where every webhook is lost and nobody watches, within a minute', async () => {
    const gateway = await startTestGateway()
    await gateway.emulator.fault({ on: 'webhook', times: 1000, drop: true })
    const { uid, uploadURL } = expectMinted(await createDirectUpload(gateway.as()))
    await postFile(uploadURL, testcardFile())
    let waited = 0
    const uploads = z.object({
      uploads: z.object({ nodes: z.array(z.object({ status: z.string() })) }),
    })
    for (;;) {
      const answer = await gateway.as().ask(uploads, '{ uploads { nodes { status } } }')
      if (answer.uploads.nodes[0]?.status === 'READY') break
      waited += 5
      gateway.clock.advance(5)
      await gateway.emulator.advanceClock(5)
    }
    expect(waited).toBeLessThanOrEqual(60)
    expect(await statusOf(gateway, uid)).toBe('READY')
  })

  it('goes on with the others where Stream cannot tell of one', async () => {
    const gateway = await startTestGateway()
    const lost = expectMinted(await createDirectUpload(gateway.as()))
    const other = expectMinted(await createDirectUpload(gateway.as()))
    await fetch(`${gateway.emulator.apiBaseUrl}/accounts/local/stream/${lost.uid}`, {
      method: 'DELETE',
      headers: { authorization: 'Bearer local-token' },
    })
    await gateway.emulator.fault({ on: 'webhook', times: 1000, drop: true })
    await gateway.emulator.fault({ on: 'details', times: 1000, status: 500 })
    await postFile(other.uploadURL, testcardFile())
    await moveOnUntil(gateway, async () => (await statusOf(gateway, other.uid)) === 'READY')
    expect(await statusOf(gateway, lost.uid)).toBe('PENDING_UPLOAD')
    await gateway.emulator.clearFaults()
    await moveOnUntil(gateway, async () => (await statusOf(gateway, lost.uid)) === 'DELETED')
  })

  it('does not ask while Stream says to wait', async () => {
    const gateway = await startTestGateway()
    expectMinted(await createDirectUpload(gateway.as()))
    const listed = async () => (await gateway.emulator.state()).requests['list'] ?? 0
    const before = await listed()
    await gateway.emulator.fault({ on: 'list', times: 1000, status: 429, retryAfterSeconds: 120 })
    await moveOnUntil(gateway, async () => (await listed()) > before)
    for (let round = 0; round < 20; round += 1) {
      gateway.clock.advance(5)
      await gateway.emulator.state()
    }
    expect(await listed()).toBe(before + 1)
    const outcome = await createDirectUpload(gateway.as())
    expect(outcome).toMatchObject({ __typename: 'RateLimitedError' })
    expect('retryAfterSeconds' in outcome && outcome.retryAfterSeconds).toBeLessThanOrEqual(120)
  })

  it('deletes no upload that a copy of its database does not know', async () => {
    const one = await startTestGateway()
    const before = expectMinted(await createDirectUpload(one.as()))
    const copy = `${one.databaseFile}.copy`
    await copyFile(one.databaseFile, copy)
    await copyFile(`${one.databaseFile}-wal`, `${copy}-wal`)
    const after = expectMinted(await createTusUpload(one.as(), { sizeBytes: 5 }))

    const { apiBaseUrl } = one.emulator
    const other = await startTestGateway({
      DATABASE_URL: `file:${copy}`,
      CLOUDFLARE_API_BASE_URL: apiBaseUrl,
      CLOUDFLARE_ACCOUNT_ID: 'local',
      CLOUDFLARE_API_TOKEN: 'local-token',
      AUTH_DISABLED: 'true',
    })
    for (let round = 0; round < 10; round += 1) {
      other.clock.advance(60)
      expect(await statusOf(other, before.uid)).toBe('PENDING_UPLOAD')
    }
    const { videos, requests } = await one.emulator.state()
    expect(requests['list']).toBeGreaterThan(0)
    expect(new Set(videos.map((video) => video.uid))).toEqual(new Set([before.uid, after.uid]))
  })

  it('deletes what Stream made after the reservation had been given up', async () => {
    const gateway = await startTestGateway()
    await gateway.emulator.fault({ on: 'direct_upload', times: 1, delayMs: 500 })
    const late = createDirectUpload(gateway.as())
    while (((await gateway.emulator.state()).requests['direct_upload'] ?? 0) === 0);
    // The machine slept: the reservation is given up before the answer is there.
    while ((await storageUsage(gateway.as())).reservedMinutes > 0) gateway.clock.advance(31)
    await expect(late).rejects.toThrow('timed out after 30 seconds')
    while (((await gateway.emulator.state()).requests['delete'] ?? 0) === 0);
    expect((await gateway.emulator.state()).videos).toEqual([])
  })
})
