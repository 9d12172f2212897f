/** Concurrent uploads of the same file: one sends, the other watches and takes over if the first stops. */
import { describe, expect, it } from 'vitest'
import {
  type UploadOptions,
  type UploadProgress,
  createMemoryStorage,
} from '../../src/client/client.ts'
import { locksOf } from '../../src/client/resume/web-locks.ts'
import { type TestGateway, startTestGateway } from '../kit/gateway.ts'
import { paddedTestcard } from '../kit/media.ts'
import { CHUNK_BYTES, clientOf, withAdvancingClock } from './kit.ts'

const TUS_OPTIONS: UploadOptions = {
  protocol: 'TUS',
  chunkSizeBytes: CHUNK_BYTES,
  // The default of six hours is too late for the emulator once the gateway's clock is ahead of its clock.
  expiry: new Date(Date.now() + 3_600_000),
}
const file = paddedTestcard(12_000_000)

describe('two concurrent uploads of one file', () => {
  it('create one upload, and both resolve when it is READY', async () => {
    const gateway = await startTestGateway()
    const client = clientOf(gateway)
    const reported: UploadProgress[] = []
    const uploads = Promise.all([
      client.upload(file, TUS_OPTIONS),
      client.upload(file, { ...TUS_OPTIONS, onProgress: (progress) => reported.push(progress) }),
    ])
    const [first, second] = await withAdvancingClock(gateway.clock, uploads)
    expect(second).toEqual(first)
    expect(reported.at(-1)).toMatchObject({ phase: 'ready', fraction: 1 })
    await expectSentOnce(gateway)
  })

  it('by two clients with one storage create one upload', async () => {
    const gateway = await startTestGateway({ EMULATOR_ENCODE_MS: '1000' })
    const storage = createMemoryStorage()
    const uploads = Promise.all([
      clientOf(gateway, { storage }).upload(file, TUS_OPTIONS),
      clientOf(gateway, { storage }).upload(file, TUS_OPTIONS),
    ])
    const [first, second] = await withAdvancingClock(gateway.clock, uploads)
    expect(second).toEqual(first)
    await expectSentOnce(gateway)
  })

  it('continue in the second caller when the first is paused', async () => {
    const gateway = await startTestGateway()
    const client = clientOf(gateway)
    const controller = new AbortController()
    const reason = new Error('paused')
    const first = client.upload(file, {
      ...TUS_OPTIONS,
      signal: controller.signal,
      onProgress: ({ sentBytes }) => {
        if (sentBytes >= CHUNK_BYTES) controller.abort(reason)
      },
    })
    const second = client.upload(file, TUS_OPTIONS)
    await expect(first).rejects.toBe(reason)
    expect(await second).toMatchObject({ status: 'READY', video: { sizeBytes: file.size } })
    const { requests, videos } = await gateway.emulator.state()
    expect(videos).toHaveLength(1)
    expect(Number(requests['tus_patch'])).toBeLessThanOrEqual(4)
  })

  it('fail with the same error', async () => {
    const gateway = await startTestGateway()
    const client = clientOf(gateway)
    const options = { ...TUS_OPTIONS, maxDurationSeconds: 5 }
    const uploads = [client.upload(file, options), client.upload(file, options)]
    const outcomes = Promise.allSettled(uploads)
    for (const outcome of await withAdvancingClock(gateway.clock, outcomes)) {
      expect(outcome).toMatchObject({ status: 'rejected', reason: { code: 'VIDEO_FAILED' } })
    }
    expect((await gateway.emulator.state()).videos).toHaveLength(1)
  })

  it('are aborted independently', async () => {
    const gateway = await startTestGateway({ EMULATOR_ENCODE_MS: '60000' })
    const client = clientOf(gateway)
    const [first, second] = [new AbortController(), new AbortController()]
    const sending = client.upload(file, {
      ...TUS_OPTIONS,
      signal: first.signal,
      onProgress: ({ phase }) => {
        if (phase === 'processing') second.abort(new Error('second'))
      },
    })
    const waiting = client.upload(file, { ...TUS_OPTIONS, signal: second.signal })
    await expect(waiting).rejects.toThrow('second')
    first.abort(new Error('first'))
    await expect(sending).rejects.toThrow('first')
  })
})

describe('the lock manager for platforms without Web Locks', () => {
  it('grants a lock to one request at a time, in request order', async () => {
    const locks = locksOf(createMemoryStorage())
    const { signal } = new AbortController()
    const steps: string[] = []
    const holdLock = (name: string) => async (): Promise<void> => {
      steps.push(`${name} acquired`)
      await new Promise((resolve) => setImmediate(resolve))
      steps.push(`${name} released`)
    }
    await Promise.all(['a', 'b', 'c'].map((name) => locks.request('x', { signal }, holdLock(name))))
    expect(steps).toEqual([
      'a acquired',
      'a released',
      'b acquired',
      'b released',
      'c acquired',
      'c released',
    ])
  })

  it('keeps a held lock when a waiting request is aborted', async () => {
    const locks = locksOf(createMemoryStorage())
    const { signal } = new AbortController()
    let release: (() => void) | undefined
    const held = locks.request('x', { signal }, () => new Promise<void>((end) => (release = end)))
    const aborted = locks.request('x', { signal: AbortSignal.abort() }, async () => 'acquired')
    await expect(aborted).rejects.toMatchObject({ name: 'AbortError' })
    const ifFree = { ifAvailable: true } as const
    expect(await locks.request('x', ifFree, async (lock) => lock)).toBeNull()
    release?.()
    await held
    expect(await locks.request('x', { signal }, async (lock) => lock)).not.toBeNull()
  })
})

async function expectSentOnce(gateway: TestGateway): Promise<void> {
  const { requests, videos } = await gateway.emulator.state()
  expect(videos).toHaveLength(1)
  expect(requests).toMatchObject({ tus_create: 1, tus_patch: 3 })
}
