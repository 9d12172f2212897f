/** The same file twice at once: one sends, the other watches, and takes over where need be. */
import { describe, expect, it } from 'vitest'
import { type UploadOptions, type UploadProgress } from '../../src/client/client.ts'
import { createLockManager } from '../../src/client/resume/web-locks.ts'
import { type TestGateway, startTestGateway } from '../kit/gateway.ts'
import { paddedTestcard } from '../kit/media.ts'
import { CHUNK_BYTES, clientOf, whileTimePasses } from './kit.ts'

const byTus: UploadOptions = { protocol: 'TUS', chunkSizeBytes: CHUNK_BYTES }
const file = paddedTestcard(12_000_000)

describe('two uploads of one file', () => {
  it('are one, which both see READY', async () => {
    const gateway = await startTestGateway()
    const client = clientOf(gateway)
    const told: UploadProgress[] = []
    const both = Promise.all([
      client.upload(file, byTus),
      client.upload(file, { ...byTus, onProgress: (progress) => told.push(progress) }),
    ])
    const [first, second] = await whileTimePasses(gateway.clock, both)
    expect(second).toEqual(first)
    expect(told.at(-1)).toMatchObject({ phase: 'ready', fraction: 1 })
    await expectSentOnce(gateway)
  })

  it('go on where the first one is paused', async () => {
    const gateway = await startTestGateway()
    const client = clientOf(gateway)
    const controller = new AbortController()
    const reason = new Error('paused')
    const first = client.upload(file, {
      ...byTus,
      signal: controller.signal,
      onProgress: ({ sentBytes }) => {
        if (sentBytes >= CHUNK_BYTES) controller.abort(reason)
      },
    })
    const second = client.upload(file, byTus)
    await expect(first).rejects.toBe(reason)
    expect(await second).toMatchObject({ status: 'READY', video: { sizeBytes: file.size } })
    const { requests, videos } = await gateway.emulator.state()
    expect(videos).toHaveLength(1)
    expect(Number(requests['tus_patch'])).toBeLessThanOrEqual(4)
  })

  it('fail alike', async () => {
    const gateway = await startTestGateway()
    const client = clientOf(gateway)
    const options = { ...byTus, maxDurationSeconds: 5 }
    const both = [client.upload(file, options), client.upload(file, options)]
    const outcomes = Promise.allSettled(both)
    for (const outcome of await whileTimePasses(gateway.clock, outcomes)) {
      expect(outcome).toMatchObject({ status: 'rejected', reason: { code: 'VIDEO_FAILED' } })
    }
    expect((await gateway.emulator.state()).videos).toHaveLength(1)
  })

  it('are given up one by one', async () => {
    const gateway = await startTestGateway({ EMULATOR_ENCODE_MS: '60000' })
    const client = clientOf(gateway)
    const [first, second] = [new AbortController(), new AbortController()]
    const sending = client.upload(file, {
      ...byTus,
      signal: first.signal,
      onProgress: ({ phase }) => {
        if (phase === 'processing') second.abort(new Error('second'))
      },
    })
    const waiting = client.upload(file, { ...byTus, signal: second.signal })
    await expect(waiting).rejects.toThrow('second')
    first.abort(new Error('first'))
    await expect(sending).rejects.toThrow('first')
  })
})

describe('the locks of a platform without any', () => {
  it('let one in at a time, in the order they came', async () => {
    const locks = createLockManager()
    const { signal } = new AbortController()
    const seen: string[] = []
    const work = (name: string) => async (): Promise<void> => {
      seen.push(`${name} in`)
      await new Promise((resolve) => setImmediate(resolve))
      seen.push(`${name} out`)
    }
    await Promise.all(['a', 'b', 'c'].map((name) => locks.request('x', { signal }, work(name))))
    expect(seen).toEqual(['a in', 'a out', 'b in', 'b out', 'c in', 'c out'])
  })

  it('keep the place of those before one who gave up waiting', async () => {
    const locks = createLockManager()
    const { signal } = new AbortController()
    let leave: (() => void) | undefined
    const held = locks.request('x', { signal }, () => new Promise<void>((end) => (leave = end)))
    const impatient = locks.request('x', { signal: AbortSignal.abort() }, async () => 'in')
    await expect(impatient).rejects.toMatchObject({ name: 'AbortError' })
    const wanted = { ifAvailable: true } as const
    expect(await locks.request('x', wanted, async (lock) => lock)).toBeNull()
    leave?.()
    await held
    expect(await locks.request('x', { signal }, async (lock) => lock)).not.toBeNull()
  })
})

async function expectSentOnce(gateway: TestGateway): Promise<void> {
  const { requests, videos } = await gateway.emulator.state()
  expect(videos).toHaveLength(1)
  expect(requests).toMatchObject({ tus_create: 1, tus_patch: 3 })
}
