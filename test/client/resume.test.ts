/** Paused, broken off or reloaded: it goes on, and nothing is sent twice. */
import { describe, expect, it } from 'vitest'
import {
  type UploadOptions,
  type UploadProgress,
  createMemoryStorage,
} from '../../src/client/client.ts'
import { createTestClock } from '../kit/clock.ts'
import { TEST_SECRET, type TestGateway, startTestGateway, tokenFor } from '../kit/gateway.ts'
import { paddedTestcard, testcardFile } from '../kit/media.ts'
import { CHUNK_BYTES, clientOf, losingFirst, phasesOf, whileTimePasses } from './kit.ts'

const byTus: UploadOptions = { protocol: 'TUS', chunkSizeBytes: CHUNK_BYTES }
const PAUSED = new Error('paused')

describe('a tus upload', () => {
  it('goes on after a reload from where Stream has got to', async () => {
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
    const arrived = before.videos[0]?.receivedBytes
    expect(arrived).toBeGreaterThanOrEqual(2 * CHUNK_BYTES)

    const told: UploadProgress[] = []
    const ready = await reloaded.upload(file, {
      ...byTus,
      onProgress: (progress) => told.push(progress),
    })
    expect(ready).toMatchObject({ uid, status: 'READY', video: { sizeBytes: file.size } })
    const sending = told.filter((progress) => progress.phase === 'uploading')
    expect(sending[1]?.sentBytes).toBe(arrived)
    expect(JSON.stringify(told)).not.toContain('uploadURL')
    const { requests, videos } = await gateway.emulator.state()
    expect(videos).toHaveLength(1)
    expect(requests['tus_create']).toBe(1)
    // 16 MB are four chunks: two had arrived, and the rest takes two more at most.
    expect(Number(requests['tus_patch']) - Number(before.requests['tus_patch'])).toBeLessThan(3)
    expect(await reloaded.resumable()).toEqual([])
  })

  it('goes on by itself after a broken connection', async () => {
    const gateway = await startTestGateway()
    await gateway.emulator.fault({ on: 'tus_patch', hangUpAfter: true })
    await gateway.emulator.fault({ on: 'tus_patch', status: 503 })
    const file = paddedTestcard(12_000_000)
    const ready = await whileTimePasses(gateway.clock, clientOf(gateway).upload(file, byTus))
    expect(ready.video).toMatchObject({ sizeBytes: file.size })
    const { requests } = await gateway.emulator.state()
    // Three chunks and one refused; the chunk whose answer was lost had arrived.
    expect(requests).toMatchObject({ tus_create: 1, tus_patch: 4 })
  })

  it('is minted anew where its URL lapsed meanwhile', async () => {
    const gateway = await startTestGateway()
    const storage = createMemoryStorage()
    const file = paddedTestcard(12_000_000)
    const { uid } = await pauseAfter(gateway, file, CHUNK_BYTES, { storage })
    await passHours(gateway, 7)
    const ready = await clientOf(gateway, { storage }).upload(file, byTus)
    expect(ready).toMatchObject({ status: 'READY', video: { sizeBytes: file.size } })
    expect(ready.uid).not.toBe(uid)
    expect((await gateway.emulator.state()).requests['tus_create']).toBe(2)
  })

  it('is minted anew where its URL lapses on the way', async () => {
    const gateway = await startTestGateway()
    await gateway.emulator.fault({ on: 'tus_patch', hangUpAfter: true })
    // The connection breaks after the first chunk, and the URL lapses while the client waits.
    let passed: Promise<void> | undefined
    const clock = {
      now: () => gateway.clock.now(),
      wait: (milliseconds: number, signal?: AbortSignal) =>
        milliseconds > 30_000
          ? gateway.clock.wait(milliseconds, signal)
          : (passed ??= passHours(gateway, 7)),
    }
    const file = paddedTestcard(12_000_000)
    const told: UploadProgress[] = []
    const ready = await clientOf(gateway, { clock }).upload(file, {
      ...byTus,
      onProgress: (progress) => told.push(progress),
    })
    expect(ready).toMatchObject({ status: 'READY', video: { sizeBytes: file.size } })
    const uids = told.flatMap(({ upload }) => (upload === null ? [] : upload.uid))
    expect(new Set(uids).size).toBe(2)
    expect(phasesOf(told).filter((phase) => phase === 'minting')).toHaveLength(2)
    const fractions = told.map(({ fraction }) => fraction)
    expect(fractions).toEqual(fractions.toSorted((a, b) => a - b))
  })

  it('is EXPIRED where the second URL lapses too', async () => {
    const gateway = await startTestGateway()
    // The gateway reads offsets of watched uploads too, and would use up a fault that is counted.
    await gateway.emulator.fault({ on: 'tus_head', times: 1000, status: 410 })
    const clock = createTestClock()
    const upload = clientOf(gateway, { clock }).upload(paddedTestcard(12_000_000), byTus)
    await expect(whileTimePasses(clock, upload)).rejects.toMatchObject({ code: 'EXPIRED' })
    expect((await gateway.emulator.state()).requests['tus_create']).toBe(2)
  })
})

describe('a basic upload', () => {
  it('that broke is sent again, to the same URL', async () => {
    const gateway = await startTestGateway()
    await gateway.emulator.fault({ on: 'upload', hangUp: true })
    await whileTimePasses(gateway.clock, clientOf(gateway).upload(testcardFile()))
    const { requests } = await gateway.emulator.state()
    expect(requests).toMatchObject({ direct_upload: 1, upload: 2 })
  })

  it('whose answer was lost is found to have arrived', async () => {
    const gateway = await startTestGateway()
    await gateway.emulator.fault({ on: 'upload', hangUpAfter: true })
    const upload = clientOf(gateway).upload(testcardFile())
    expect(await whileTimePasses(gateway.clock, upload, 10)).toMatchObject({ status: 'READY' })
    const { requests, videos } = await gateway.emulator.state()
    expect({ requests, videos: videos.length }).toMatchObject({
      requests: { direct_upload: 1, upload: 2 },
      videos: 1,
    })
  })

  it('is not sent again where the page was reloaded while it was processed', async () => {
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
    const [remembered] = await reloaded.resumable()
    const ready = await whileTimePasses(gateway.clock, reloaded.upload(file))
    expect(ready).toMatchObject({ uid: remembered?.uid, status: 'READY' })
    expect((await gateway.emulator.state()).videos).toHaveLength(1)
  })
})

describe('what is remembered', () => {
  it('is of the same file with the same terms', async () => {
    const gateway = await startTestGateway()
    const storage = createMemoryStorage()
    const file = paddedTestcard(12_000_000)
    const { uid } = await pauseAfter(gateway, file, CHUNK_BYTES, { storage })
    const client = clientOf(gateway, { storage })
    const other = await client.upload(paddedTestcard(12_000_001), byTus)
    const secret = await client.upload(file, { ...byTus, requireSignedURLs: true })
    expect([other.uid, secret.uid]).not.toContain(uid)
    expect(await client.upload(file, byTus)).toMatchObject({ uid })
  })

  it('is one’s own: two who share a browser never meet', async () => {
    const gateway = await startTestGateway({ AUTH_JWT_SECRET: TEST_SECRET })
    const storage = createMemoryStorage()
    const file = paddedTestcard(12_000_000)
    const ada = { storage, token: await tokenFor('ada') }
    const bob = { storage, token: await tokenFor('bob') }
    const { uid } = await pauseAfter(gateway, file, CHUNK_BYTES, ada)

    expect(await clientOf(gateway, bob).resumable()).toEqual([])
    const bobs = await clientOf(gateway, bob).upload(file, byTus)
    expect(bobs).toMatchObject({ creator: 'bob', status: 'READY' })
    expect(bobs.uid).not.toBe(uid)

    const renewed = { storage, token: await tokenFor('ada', { jti: 'another' }) }
    expect(await clientOf(gateway, renewed).resumable()).toMatchObject([{ uid }])
    expect(await clientOf(gateway, renewed).upload(file, byTus)).toMatchObject({ uid })
    const keys = (await storage.keys()).join()
    expect(keys).not.toMatch(/ada|bob/)
  })

  it('is forgotten a day after its URL lapsed', async () => {
    const gateway = await startTestGateway()
    const storage = createMemoryStorage()
    await pauseAfter(gateway, paddedTestcard(12_000_000), CHUNK_BYTES, { storage })
    gateway.clock.advance(29 * 3600)
    expect(await clientOf(gateway, { storage }).resumable()).toHaveLength(1)
    gateway.clock.advance(2 * 3600)
    expect(await clientOf(gateway, { storage }).resumable()).toEqual([])
    expect(await storage.keys()).toEqual([])
  })

  it('costs only resuming where the storage is full, forbidden or spoilt', async () => {
    const gateway = await startTestGateway()
    const broken = { getItem: full, setItem: full, removeItem: full, keys: full }
    const spoilt = { ...createMemoryStorage(), getItem: () => '{"uid":' }
    for (const storage of [broken, spoilt]) {
      const client = clientOf(gateway, { storage })
      expect(await client.upload(testcardFile())).toMatchObject({ status: 'READY' })
      expect(await client.resumable()).toEqual([])
    }
  })
})

it('watches on over connections that break', async () => {
  const gateway = await startTestGateway()
  const { uid } = await clientOf(gateway).upload(testcardFile())
  const states: string[] = []
  const client = clientOf(gateway, { fetch: losingFirst(2) })
  const watch = async (): Promise<void> => {
    for await (const { status } of client.watch(uid)) states.push(status)
  }
  await whileTimePasses(gateway.clock, watch())
  expect(states).toEqual(['READY'])
})

/** Uploads until so many bytes are up, and pauses there; what is remembered of it. */
async function pauseAfter(
  gateway: TestGateway,
  file: Blob,
  bytes: number,
  options: Parameters<typeof clientOf>[1],
): Promise<{ uid: string; sentBytes: number }> {
  const controller = new AbortController()
  let last: UploadProgress | undefined
  const upload = clientOf(gateway, options).upload(file, {
    ...byTus,
    signal: controller.signal,
    onProgress: (progress) => {
      last = progress
      if (progress.sentBytes >= bytes) controller.abort(PAUSED)
    },
  })
  await expect(upload).rejects.toBe(PAUSED)
  return { uid: last?.upload?.uid ?? '', sentBytes: last?.sentBytes ?? 0 }
}

function full(): never {
  throw new Error('QuotaExceededError')
}

async function passHours(gateway: TestGateway, hours: number): Promise<void> {
  gateway.clock.advance(hours * 3600)
  await gateway.emulator.advanceClock(hours * 3600)
}
