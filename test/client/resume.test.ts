/** Uploads resume after a pause, a broken connection or a reload, and send no bytes twice. */
import { describe, expect, it } from 'vitest'
import {
  type UploadOptions,
  type UploadProgress,
  createMemoryStorage,
} from '../../src/client/client.ts'
import { createTestClock } from '../kit/clock.ts'
import { TEST_SECRET, type TestGateway, startTestGateway, tokenFor } from '../kit/gateway.ts'
import { paddedTestcard, testcardFile } from '../kit/media.ts'
import { CHUNK_BYTES, clientOf, dropFirstResponses, phasesOf, withAdvancingClock } from './kit.ts'

const TUS_OPTIONS: UploadOptions = {
  protocol: 'TUS',
  chunkSizeBytes: CHUNK_BYTES,
  // While the file is measured, the gateway's clock would advance beyond the emulator's limit of an expiry.
  maxDurationSeconds: 60,
}
const PAUSED = new Error('paused')

describe('a tus upload', () => {
  it('resumes after a reload at the offset that Stream received', async () => {
    const gateway = await startTestGateway()
    const storage = createMemoryStorage()
    const file = paddedTestcard(16_000_000)
    const { uid, sentBytes } = await pauseAfter(gateway, file, 2 * CHUNK_BYTES, { storage })
    expect(sentBytes).toBeGreaterThanOrEqual(2 * CHUNK_BYTES)

    const reloaded = clientOf(gateway, { storage })
    expect(await reloaded.resumable()).toMatchObject([
      { uid, protocol: 'TUS', sizeBytes: file.size, type: 'video/mp4', name: null },
    ])
    const before = await gateway.emulator.state()
    const receivedBytes = before.videos[0]?.receivedBytes
    expect(receivedBytes).toBeGreaterThanOrEqual(2 * CHUNK_BYTES)

    const reported: UploadProgress[] = []
    const ready = await reloaded.upload(file, {
      ...TUS_OPTIONS,
      onProgress: (progress) => reported.push(progress),
    })
    expect(ready).toMatchObject({ uid, status: 'READY', video: { sizeBytes: file.size } })
    expect(reported.find(({ sentBytes: sent }) => sent > 0)?.sentBytes).toBe(receivedBytes)
    expect(JSON.stringify(reported)).not.toContain('uploadURL')
    const { requests, videos } = await gateway.emulator.state()
    expect(videos).toHaveLength(1)
    expect(requests['tus_create']).toBe(1)
    // 16 MB are four chunks: two were received, and the rest takes at most two more.
    expect(Number(requests['tus_patch']) - Number(before.requests['tus_patch'])).toBeLessThan(3)
    expect(await reloaded.resumable()).toEqual([])
  })

  it('retries after a broken connection', async () => {
    const gateway = await startTestGateway()
    await gateway.emulator.fault({ on: 'tus_patch', hangUpAfter: true })
    await gateway.emulator.fault({ on: 'tus_patch', status: 503 })
    const file = paddedTestcard(12_000_000)
    const ready = await withAdvancingClock(
      gateway.clock,
      clientOf(gateway).upload(file, TUS_OPTIONS),
    )
    expect(ready.video).toMatchObject({ sizeBytes: file.size })
    const { requests } = await gateway.emulator.state()
    // Three chunks and one rejected; the chunk whose response was lost was received.
    expect(requests).toMatchObject({ tus_create: 1, tus_patch: 4 })
  })

  it('is created again when its URL expired during the pause', async () => {
    const gateway = await startTestGateway()
    const storage = createMemoryStorage()
    const file = paddedTestcard(12_000_000)
    const { uid } = await pauseAfter(gateway, file, CHUNK_BYTES, { storage })
    await advanceHours(gateway, 7)
    const ready = await clientOf(gateway, { storage }).upload(file, TUS_OPTIONS)
    expect(ready).toMatchObject({ status: 'READY', video: { sizeBytes: file.size } })
    expect(ready.uid).not.toBe(uid)
    expect((await gateway.emulator.state()).requests['tus_create']).toBe(2)
  })

  it('is created again when its URL expires during the upload', async () => {
    const gateway = await startTestGateway()
    await gateway.emulator.fault({ on: 'tus_patch', hangUpAfter: true })
    // The connection breaks after the first chunk, and the URL expires while the client waits.
    const clock = clockThatPassesHours(gateway, 7)
    const file = paddedTestcard(12_000_000)
    const reported: UploadProgress[] = []
    const ready = await clientOf(gateway, { clock }).upload(file, {
      ...TUS_OPTIONS,
      onProgress: (progress) => reported.push(progress),
    })
    expect(ready).toMatchObject({ status: 'READY', video: { sizeBytes: file.size } })
    const uids = reported.flatMap(({ upload }) => (upload === null ? [] : upload.uid))
    expect(new Set(uids).size).toBe(2)
    expect(phasesOf(reported).filter((phase) => phase === 'minting')).toHaveLength(2)
    const fractions = reported.map(({ fraction }) => fraction)
    expect(fractions).toEqual(fractions.toSorted((a, b) => a - b))
  })

  it('is created again with the same expiry when its URL is gone before', async () => {
    const gateway = await startTestGateway()
    await gateway.emulator.fault({ on: 'tus_head', status: 404 })
    const expiry = new Date(gateway.clock.now().getTime() + 3_600_000)
    const upload = clientOf(gateway).upload(paddedTestcard(6_000_000), { ...TUS_OPTIONS, expiry })
    expect(await withAdvancingClock(gateway.clock, upload)).toMatchObject({
      status: 'READY',
      expiresAt: expiry.toISOString(),
    })
    expect((await gateway.emulator.state()).requests['tus_create']).toBe(2)
  })

  it('rejects with EXPIRED when the expiry of the caller passes during the upload', async () => {
    const gateway = await startTestGateway()
    await gateway.emulator.fault({ on: 'tus_patch', hangUpAfter: true })
    const clock = clockThatPassesHours(gateway, 2)
    const expiry = new Date(gateway.clock.now().getTime() + 3_600_000)
    const client = clientOf(gateway, { clock })
    const upload = client.upload(paddedTestcard(12_000_000), { ...TUS_OPTIONS, expiry })
    await expect(upload).rejects.toMatchObject({ code: 'EXPIRED' })
    expect(await client.resumable()).toEqual([])
  })

  it('rejects with EXPIRED when the expiry of the caller passed during a pause', async () => {
    const gateway = await startTestGateway()
    const storage = createMemoryStorage()
    const file = paddedTestcard(12_000_000)
    const expiry = new Date(gateway.clock.now().getTime() + 3_600_000)
    const { uid } = await pauseAfter(gateway, file, CHUNK_BYTES, { storage }, { expiry })
    await advanceHours(gateway, 2)
    const client = clientOf(gateway, { storage })
    const options = { ...TUS_OPTIONS, expiry }
    await expect(client.upload(file, options)).rejects.toMatchObject({ code: 'EXPIRED', uid })
    // Nothing is left to resume: the date itself is the error.
    await expect(client.upload(file, options)).rejects.toMatchObject({
      code: 'INVALID_INPUT',
      issues: [{ path: ['expiry'] }],
    })
  })

  it('rejects with EXPIRED when the second URL expires too', async () => {
    const gateway = await startTestGateway()
    // The gateway reads offsets of watched uploads too and would consume a fault with a low count.
    await gateway.emulator.fault({ on: 'tus_head', times: 1000, status: 410 })
    const clock = createTestClock()
    const upload = clientOf(gateway, { clock }).upload(paddedTestcard(12_000_000), TUS_OPTIONS)
    await expect(withAdvancingClock(clock, upload)).rejects.toMatchObject({ code: 'EXPIRED' })
    expect((await gateway.emulator.state()).requests['tus_create']).toBe(2)
  })
})

describe('a basic upload', () => {
  it('whose connection broke is sent again to the same URL', async () => {
    const gateway = await startTestGateway()
    await gateway.emulator.fault({ on: 'upload', hangUp: true })
    await withAdvancingClock(gateway.clock, clientOf(gateway).upload(testcardFile()))
    const { requests } = await gateway.emulator.state()
    expect(requests).toMatchObject({ direct_upload: 1, upload: 2 })
  })

  it('whose response was lost is recognized as received', async () => {
    const gateway = await startTestGateway()
    await gateway.emulator.fault({ on: 'upload', hangUpAfter: true })
    const upload = clientOf(gateway).upload(testcardFile())
    expect(await withAdvancingClock(gateway.clock, upload, 10)).toMatchObject({ status: 'READY' })
    const { requests, videos } = await gateway.emulator.state()
    expect({ requests, videos: videos.length }).toMatchObject({
      requests: { direct_upload: 1, upload: 2 },
      videos: 1,
    })
  })

  it('is not sent again when the page is reloaded during processing', async () => {
    const gateway = await startTestGateway({ EMULATOR_ENCODE_MS: '1000' })
    const storage = createMemoryStorage()
    const file = testcardFile()
    const controller = new AbortController()
    const first = clientOf(gateway, { storage }).upload(file, {
      signal: controller.signal,
      onProgress: ({ phase }) => {
        if (phase === 'processing') controller.abort(PAUSED)
      },
    })
    await expect(first).rejects.toBe(PAUSED)
    const reloaded = clientOf(gateway, { storage })
    const [resumable] = await reloaded.resumable()
    const ready = await withAdvancingClock(gateway.clock, reloaded.upload(file))
    expect(ready).toMatchObject({ uid: resumable?.uid, status: 'READY' })
    expect((await gateway.emulator.state()).videos).toHaveLength(1)
  })
})

describe('a resumable upload', () => {
  it('is resumed only for the same file with the same settings', async () => {
    const gateway = await startTestGateway()
    const storage = createMemoryStorage()
    const file = paddedTestcard(12_000_000)
    const { uid } = await pauseAfter(gateway, file, CHUNK_BYTES, { storage })
    const client = clientOf(gateway, { storage })
    const other = await client.upload(paddedTestcard(12_000_001), TUS_OPTIONS)
    const secret = await client.upload(file, { ...TUS_OPTIONS, requireSignedURLs: true })
    expect([other.uid, secret.uid]).not.toContain(uid)
    expect(await client.upload(file, TUS_OPTIONS)).toMatchObject({ uid })
  })

  it('is visible only to its creator in a shared browser', async () => {
    const gateway = await startTestGateway({ AUTH_JWT_SECRET: TEST_SECRET })
    const storage = createMemoryStorage()
    const file = paddedTestcard(12_000_000)
    const ada = { storage, token: await tokenFor('ada') }
    const bob = { storage, token: await tokenFor('bob') }
    const { uid } = await pauseAfter(gateway, file, CHUNK_BYTES, ada)

    expect(await clientOf(gateway, bob).resumable()).toEqual([])
    const bobUpload = await clientOf(gateway, bob).upload(file, TUS_OPTIONS)
    expect(bobUpload).toMatchObject({ creator: 'bob', status: 'READY' })
    expect(bobUpload.uid).not.toBe(uid)

    const renewed = { storage, token: await tokenFor('ada', { jti: 'another' }) }
    expect(await clientOf(gateway, renewed).resumable()).toMatchObject([{ uid }])
    expect(await clientOf(gateway, renewed).upload(file, TUS_OPTIONS)).toMatchObject({ uid })
    const keys = (await storage.keys()).join()
    expect(keys).not.toMatch(/ada|bob/)
  })

  it('is deleted one day after its URL expired', async () => {
    const gateway = await startTestGateway()
    const storage = createMemoryStorage()
    await pauseAfter(gateway, paddedTestcard(12_000_000), CHUNK_BYTES, { storage })
    gateway.clock.advance(29 * 3600)
    expect(await clientOf(gateway, { storage }).resumable()).toHaveLength(1)
    gateway.clock.advance(2 * 3600)
    expect(await clientOf(gateway, { storage }).resumable()).toEqual([])
    expect(await storage.keys()).toEqual([])
  })

  it('is unavailable, but the upload succeeds, when the storage throws or is corrupt', async () => {
    const gateway = await startTestGateway()
    const failing = {
      getItem: throwQuotaExceeded,
      setItem: throwQuotaExceeded,
      removeItem: throwQuotaExceeded,
      keys: throwQuotaExceeded,
    }
    const corrupt = { ...createMemoryStorage(), getItem: () => '{"uid":' }
    for (const storage of [failing, corrupt]) {
      const client = clientOf(gateway, { storage })
      expect(await client.upload(testcardFile())).toMatchObject({ status: 'READY' })
      expect(await client.resumable()).toEqual([])
    }
  })
})

it('continues a watch after broken connections', async () => {
  const gateway = await startTestGateway()
  const { uid } = await clientOf(gateway).upload(testcardFile())
  const states: string[] = []
  const client = clientOf(gateway, { fetch: dropFirstResponses(2) })
  const watch = async (): Promise<void> => {
    for await (const { status } of client.watch(uid)) states.push(status)
  }
  await withAdvancingClock(gateway.clock, watch())
  expect(states).toEqual(['READY'])
})

/** Uploads until at least `bytes` are sent, then aborts; returns the last reported uid and sent bytes. */
async function pauseAfter(
  gateway: TestGateway,
  file: Blob,
  bytes: number,
  options: Parameters<typeof clientOf>[1],
  settings: UploadOptions = {},
): Promise<{ uid: string; sentBytes: number }> {
  const controller = new AbortController()
  let last: UploadProgress | undefined
  const upload = clientOf(gateway, options).upload(file, {
    ...TUS_OPTIONS,
    ...settings,
    signal: controller.signal,
    onProgress: (progress) => {
      last = progress
      if (progress.sentBytes >= bytes) controller.abort(PAUSED)
    },
  })
  await expect(upload).rejects.toBe(PAUSED)
  return { uid: last?.upload?.uid ?? '', sentBytes: last?.sentBytes ?? 0 }
}

function throwQuotaExceeded(): never {
  throw new Error('QuotaExceededError')
}

/** A clock whose first short wait, such as one before a repetition, takes these hours. */
function clockThatPassesHours(gateway: TestGateway, hours: number) {
  let passed: Promise<void> | undefined
  return {
    now: () => gateway.clock.now(),
    wait: (milliseconds: number, signal?: AbortSignal) =>
      milliseconds > 30_000
        ? gateway.clock.wait(milliseconds, signal)
        : (passed ??= advanceHours(gateway, hours)),
  }
}

async function advanceHours(gateway: TestGateway, hours: number): Promise<void> {
  gateway.clock.advance(hours * 3600)
  await gateway.emulator.advanceClock(hours * 3600)
}
