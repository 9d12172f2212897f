/** The upload queue: states, batches of mint requests, limits of the caller, pause, retry, cancel and resuming. */
import { EventEmitter, once } from 'node:events'
import { describe, expect, it, vi } from 'vitest'
import {
  type QueuedUpload,
  type UploadClientOptions,
  type UploadQueue,
  createMemoryStorage,
  createUploadQueue,
} from '../../src/client/client.ts'
import { createTestClock } from '../kit/clock.ts'
import { TEST_SECRET, type TestGateway, startTestGateway, tokenFor } from '../kit/gateway.ts'
import { paddedTestcard, testcard, testcardFile, textFile } from '../kit/media.ts'
import { CHUNK_BYTES, clientOf, dropFirstResponses, withAdvancingClock } from './kit.ts'

const WAIT = { timeout: 15_000, interval: 10 }
const TUS = { protocol: 'TUS', chunkSizeBytes: CHUNK_BYTES } as const

/** A fetch by which nothing can be deleted. */
const fetchButDelete: typeof globalThis.fetch = (input, init) =>
  typeof init?.body === 'string' && init.body.includes('mutation Delete')
    ? Promise.reject(new TypeError('The network is down.'))
    : fetch(input, init)

/** A fetch that holds the second PATCH, after which one chunk is stored, until it is released or aborted. */
function holdSecondChunk() {
  const events = new EventEmitter()
  const held = once(events, 'held')
  const released = once(events, 'released')
  let patches = 0
  const interceptor: typeof globalThis.fetch = async (input, init) => {
    if (init?.method === 'PATCH') patches += 1
    if (init?.method === 'PATCH' && patches === 2) {
      events.emit('held')
      const aborted = new Promise((resolve) => init.signal?.addEventListener('abort', resolve))
      await Promise.race([released, aborted])
    }
    return fetch(input, init)
  }
  return { fetch: interceptor, held, release: () => events.emit('released') }
}

/** Files whose names differ. */
function files(count: number): readonly File[] {
  return Array.from({ length: count }, (_none, index) => testcardFile(`${index + 1}.mp4`))
}

/** A fetch that records the name of each GraphQL operation. */
function recordOperations() {
  const operations: string[] = []
  const recording: typeof globalThis.fetch = (input, init) => {
    const body = typeof init?.body === 'string' ? init.body : ''
    const [, name = ''] = /"query":"(?:mutation|query|subscription) (\w+)/.exec(body) ?? []
    operations.push(name)
    return fetch(input, init)
  }
  const count = (pattern: RegExp) => operations.filter((name) => pattern.test(name)).length
  return { fetch: recording, operations, count }
}

function find(queue: UploadQueue, id: string | undefined): QueuedUpload {
  const found = queue.getSnapshot().find((upload) => upload.id === id)
  if (found === undefined) throw new Error(`No file ${id} in the queue.`)
  return found
}

function statesOf(queue: UploadQueue): string[] {
  return queue.getSnapshot().map(({ state }) => state)
}

/** Resolves when the file has the state, or has had it since the call. */
async function untilState(queue: UploadQueue, id: string | undefined, state: string) {
  const seen = new Set<string>()
  const see = (): void => {
    seen.add(find(queue, id).state)
  }
  const stop = queue.subscribe(see)
  see()
  await vi.waitFor(() => expect([...seen]).toContain(state), WAIT)
  stop()
  return find(queue, id)
}

async function untilMinted(queue: UploadQueue, id: string | undefined): Promise<void> {
  await vi.waitFor(() => expect(find(queue, id).uid).not.toBeNull(), WAIT)
}

/** Resolves when no file of the queue is active any more. */
function untilIdle(gateway: TestGateway, queue: UploadQueue): Promise<void> {
  const idle = vi.waitFor(
    () =>
      expect(statesOf(queue).filter((state) => state !== 'ready' && state !== 'failed')).toEqual(
        [],
      ),
    WAIT,
  )
  return withAdvancingClock(gateway.clock, idle)
}

describe('an upload queue', () => {
  it('uploads all files, three at a time, and mints those of a batch by one request', async () => {
    const gateway = await startTestGateway()
    const { fetch, count } = recordOperations()
    const queue = createUploadQueue(clientOf(gateway, { fetch }))
    let most = 0
    queue.subscribe(() => {
      const running = statesOf(queue).filter((state) => ['uploading', 'processing'].includes(state))
      most = Math.max(most, running.length)
    })
    const ids = queue.add(files(30))
    expect(ids).toHaveLength(30)
    expect(queue.getSnapshot().map(({ id, name, state }) => [id, name, state])).toEqual(
      ids.map((id, index) => [id, `${index + 1}.mp4`, 'waiting']),
    )
    await untilIdle(gateway, queue)
    expect(new Set(statesOf(queue))).toEqual(new Set(['ready']))
    expect(most).toBe(3)
    expect(count(/^MintMany$/)).toBe(2)
    expect(count(/^Mint/)).toBe(2)
    expect(count(/^Limits$/)).toBe(2)
    for (const { upload, uid, fraction, error } of queue.getSnapshot()) {
      expect({ status: upload?.status, uid, fraction, error }).toEqual({
        status: 'READY',
        uid: upload?.uid,
        fraction: 1,
        error: null,
      })
    }
    const { videos, requests } = await gateway.emulator.state()
    expect(videos).toHaveLength(30)
    expect(requests).toMatchObject({ direct_upload: 30, upload: 30 })
  })

  it('lets one file fail alone, with a typed error', async () => {
    const gateway = await startTestGateway()
    const queue = createUploadQueue(clientOf(gateway))
    const [invalid, empty, text, wrong, good] = [
      ...queue.add([testcardFile('a.mp4')], { maxDurationSeconds: Number.NaN }),
      ...queue.add([new File([], 'empty.mp4'), textFile()]),
      ...queue.add([testcardFile('b.mp4')], { expiry: 'tomorrow' }),
      ...queue.add([testcardFile('c.mp4')]),
    ]
    expect(find(queue, invalid).error).toMatchObject({ code: 'INVALID_INPUT' })
    expect(find(queue, empty)).toMatchObject({ name: 'empty.mp4', error: { code: 'EMPTY_FILE' } })
    await untilIdle(gateway, queue)
    expect(find(queue, text).error).toMatchObject({
      code: 'VIDEO_FAILED',
      failure: { code: 'ERR_NON_VIDEO' },
    })
    expect(find(queue, wrong).error).toMatchObject({
      code: 'INVALID_INPUT',
      issues: [{ path: ['expiry'] }],
    })
    expect(find(queue, good).state).toBe('ready')
  })

  it('mints once when responses are lost', async () => {
    const gateway = await startTestGateway()
    const queue = createUploadQueue(clientOf(gateway, { fetch: dropFirstResponses(3) }))
    queue.add(files(4))
    await untilIdle(gateway, queue)
    expect(statesOf(queue)).toEqual(['ready', 'ready', 'ready', 'ready'])
    expect((await gateway.emulator.state()).videos).toHaveLength(4)
  })

  it('waits for the rate limit, and mints the other files later', async () => {
    const gateway = await startTestGateway({ RATE_LIMIT_CREATES: '5' })
    const queue = createUploadQueue(clientOf(gateway))
    queue.add(files(8))
    await vi.waitFor(
      () => expect(statesOf(queue).filter((state) => state === 'ready')).toHaveLength(5),
      WAIT,
    )
    expect(statesOf(queue).slice(5)).toEqual(['preparing', 'preparing', 'preparing'])
    await untilIdle(gateway, queue)
    expect(statesOf(queue).filter((state) => state === 'ready')).toHaveLength(8)
    expect((await gateway.emulator.state()).videos).toHaveLength(8)
  })

  it('fails the files that do not fit in the quota, and no other', async () => {
    const gateway = await startTestGateway({ CREATOR_QUOTA_MINUTES: '2' })
    const queue = createUploadQueue(clientOf(gateway))
    const [large] = queue.add([testcardFile('a.mp4')], { maxDurationSeconds: 300 })
    const [small] = queue.add([testcardFile('b.mp4')])
    await untilIdle(gateway, queue)
    expect(find(queue, large).error).toMatchObject({ code: 'QUOTA_EXCEEDED', requestedMinutes: 5 })
    expect(find(queue, small).state).toBe('ready')
  })

  it('checks the limits of the caller before the first byte', async () => {
    const gateway = await startTestGateway({ AUTH_JWT_SECRET: TEST_SECRET })
    const limits = { maxSizeBytes: 6_000_000, maxDurationSeconds: 5, maxUploads: 1 }
    const token = await tokenFor('guest', { jti: 'link', headgate: limits })
    const { fetch, count } = recordOperations()
    const queue = createUploadQueue(clientOf(gateway, { token, fetch }))
    const [large, long, last] = queue.add([paddedTestcard(6_000_001), testcardFile()], TUS)
    await untilIdle(gateway, queue)
    expect(find(queue, large).error).toMatchObject({
      code: 'FILE_TOO_LARGE',
      sizeBytes: 6_000_001,
      limitBytes: 6_000_000,
    })
    expect(find(queue, long).error).toMatchObject({
      code: 'VIDEO_TOO_LONG',
      durationSeconds: testcard.durationSeconds,
      limitSeconds: 5,
    })
    expect(last).toBeUndefined()
    expect(count(/^Mint/)).toBe(0)
    expect((await gateway.emulator.state()).videos).toEqual([])
  })

  it('mints no more uploads than the token allows', async () => {
    const gateway = await startTestGateway({ AUTH_JWT_SECRET: TEST_SECRET })
    const token = await tokenFor('guest', { jti: 'link', headgate: { maxUploads: 2 } })
    const queue = createUploadQueue(clientOf(gateway, { token }))
    queue.add(files(3))
    await untilIdle(gateway, queue)
    expect(statesOf(queue)).toEqual(['ready', 'ready', 'failed'])
    expect(queue.getSnapshot()[2]?.error).toMatchObject({ code: 'FORBIDDEN' })
  })

  it('fails files whose token cannot be read with UNAUTHENTICATED and its cause', async () => {
    const gateway = await startTestGateway()
    const cause = new Error('signed out')
    const queue = createUploadQueue(clientOf(gateway, { token: () => Promise.reject(cause) }))
    const [id] = queue.add(files(1))
    await untilIdle(gateway, queue)
    expect(find(queue, id).error).toMatchObject({ code: 'UNAUTHENTICATED', cause })
  })
})

describe('a queued file', () => {
  it('that is paused leaves its place to another, and resumes at the offset', async () => {
    const gateway = await startTestGateway()
    const { fetch, held } = holdSecondChunk()
    const client = clientOf(gateway, { fetch })
    const queue = createUploadQueue(client, { concurrency: 1, settings: TUS })
    const [first = '', second] = queue.add([paddedTestcard(16_000_000), testcardFile()])
    await held
    queue.pause(first)
    expect(find(queue, first)).toMatchObject({ state: 'paused', bytesPerSecond: null })
    await untilState(queue, second, 'ready')
    const { uid } = find(queue, first)
    queue.resume(first)
    expect(await untilState(queue, first, 'ready')).toMatchObject({ uid })
    const { videos, requests } = await gateway.emulator.state()
    expect(videos).toHaveLength(2)
    // Four chunks of the first file, of which none is sent twice, and one of the second file.
    expect(requests).toMatchObject({ tus_patch: 5 })
  })

  it('that is paused before its batch is minted reserves nothing', async () => {
    const gateway = await startTestGateway()
    const queue = createUploadQueue(clientOf(gateway))
    const [first = '', second] = queue.add(files(2))
    queue.pause(first)
    await untilState(queue, second, 'ready')
    expect((await gateway.emulator.state()).videos).toHaveLength(1)
    queue.resume(first)
    await untilState(queue, first, 'ready')
  })

  it.each(['waiting', 'preparing', 'uploading', 'paused'])(
    'that is canceled while it is %s leaves nothing reserved',
    async (state) => {
      const gateway = await startTestGateway()
      await gateway.emulator.fault({ on: 'upload', delayMs: 3_600_000, times: 9 })
      const queue = createUploadQueue(clientOf(gateway), { concurrency: 1 })
      const [first = '', second = ''] = queue.add(files(2))
      if (state === 'waiting') await untilMinted(queue, second)
      else await untilState(queue, first, state === 'paused' ? 'uploading' : state)
      if (state === 'paused') queue.pause(first)
      const canceled = queue.cancel(state === 'waiting' ? second : first)
      expect(queue.getSnapshot()).toHaveLength(1)
      await canceled
      await queue.cancel(queue.getSnapshot()[0]?.id ?? '')
      const { videos, reservedSeconds } = await gateway.emulator.state()
      expect({ videos, reservedSeconds }).toEqual({ videos: [], reservedSeconds: 0 })
      expect(queue.getSnapshot()).toEqual([])
    },
  )

  it.each([1, 3])(
    'that is canceled during a request for %i files leaves nothing reserved',
    async (count) => {
      const gateway = await startTestGateway()
      let canceled: Promise<void> | undefined
      const cancelFirst: typeof globalThis.fetch = (input, init) => {
        const isMint = typeof init?.body === 'string' && init.body.includes('mutation Mint')
        if (isMint) canceled ??= queue.cancel(queue.getSnapshot()[0]?.id ?? '')
        return fetch(input, init)
      }
      const queue = createUploadQueue(clientOf(gateway, { fetch: cancelFirst }))
      queue.add(files(count))
      await vi.waitFor(() => expect(canceled).toBeDefined(), WAIT)
      await canceled
      await untilIdle(gateway, queue)
      expect(statesOf(queue)).toEqual(Array(count - 1).fill('ready'))
      const { videos, reservedSeconds } = await gateway.emulator.state()
      expect({ count: videos.length, reservedSeconds }).toEqual({
        count: count - 1,
        reservedSeconds: 0,
      })
    },
  )

  it('that is canceled when the response of its mint request is lost leaves nothing reserved', async () => {
    const gateway = await startTestGateway()
    let canceled: Promise<void> | undefined
    const lose: typeof globalThis.fetch = async (input, init) => {
      const response = await fetch(input, init)
      const isMint = typeof init?.body === 'string' && init.body.includes('mutation Mint')
      if (!isMint || canceled !== undefined) return response
      canceled = queue.cancel(queue.getSnapshot()[0]?.id ?? '')
      await response.body?.cancel()
      throw new TypeError('The response was lost.')
    }
    const queue = createUploadQueue(clientOf(gateway, { fetch: lose }))
    queue.add([testcardFile()])
    await vi.waitFor(() => expect(canceled).toBeDefined(), WAIT)
    await withAdvancingClock(gateway.clock, canceled ?? Promise.resolve())
    const { videos, reservedSeconds } = await gateway.emulator.state()
    expect({ videos, reservedSeconds }).toEqual({ videos: [], reservedSeconds: 0 })
  })

  it('that failed is uploaded again by retry, with other options', async () => {
    const gateway = await startTestGateway()
    const queue = createUploadQueue(clientOf(gateway))
    const [id = ''] = queue.add([testcardFile()], { maxDurationSeconds: 3 })
    await untilState(queue, id, 'failed')
    const { uid } = find(queue, id)
    queue.retry(id, {})
    expect(find(queue, id)).toMatchObject({ state: 'waiting', uid: null, error: null })
    expect((await untilState(queue, id, 'ready')).uid).not.toBe(uid)
  })

  it('that is deleted by another client fails with DELETED, and is not minted again', async () => {
    const gateway = await startTestGateway()
    await gateway.emulator.fault({ on: 'upload', delayMs: 3_600_000, times: 9 })
    const client = clientOf(gateway)
    const queue = createUploadQueue(client, { concurrency: 1 })
    const [first, second] = queue.add(files(2))
    await untilMinted(queue, second)
    await client.delete(find(queue, second).uid ?? '')
    await untilState(queue, first, 'uploading')
    await client.delete(find(queue, first).uid ?? '')
    await untilState(queue, second, 'failed')
    expect(queue.getSnapshot().map(({ error }) => error?.code)).toEqual(['DELETED', 'DELETED'])
    expect((await gateway.emulator.state()).videos).toEqual([])
  })

  it('whose URL expired while it waited gets another', async () => {
    const gateway = await startTestGateway()
    await gateway.emulator.fault({ on: 'upload', delayMs: 3_600_000 })
    const queue = createUploadQueue(clientOf(gateway), { concurrency: 1 })
    const [first = '', second] = queue.add(files(2))
    await untilState(queue, first, 'uploading')
    const { uid } = find(queue, second)
    gateway.clock.advance(3600)
    await gateway.emulator.advanceClock(3600)
    queue.pause(first)
    expect((await untilState(queue, second, 'ready')).uid).not.toBe(uid)
  })
})

/**
 * Uploads the file by tus, closes its queue in the middle, and opens another one, which lists the upload.
 * @param options of the other queue's client
 */
async function interrupt(
  gateway: TestGateway,
  file: Blob,
  options: Partial<UploadClientOptions> = {},
) {
  const storage = createMemoryStorage()
  const { fetch, held } = holdSecondChunk()
  const before = createUploadQueue(clientOf(gateway, { storage, fetch }))
  const [id] = before.add([file], TUS)
  await held
  before.close()
  const client = clientOf(gateway, { storage, ...options })
  const queue = createUploadQueue(client)
  queue.subscribe(() => {})
  await vi.waitFor(() => expect(statesOf(queue)).toEqual(['needs-file']), WAIT)
  return { client, queue, uid: find(before, id).uid }
}

describe('after a reload', () => {
  it('lists what was begun, and resumes it when the file is added, whatever its options', async () => {
    const gateway = await startTestGateway()
    const file = paddedTestcard(16_000_000)
    const { queue, uid } = await interrupt(gateway, file)
    expect(queue.getSnapshot()).toMatchObject([{ uid, protocol: 'TUS', sizeBytes: file.size }])
    const [id] = queue.add([file], { meta: { page: 'other' } })
    expect(await untilState(queue, id, 'ready')).toMatchObject({ uid })
    expect(queue.getSnapshot()).toHaveLength(1)
    expect((await gateway.emulator.state()).requests).toMatchObject({ tus_create: 1 })
  })

  it('does not resume a public upload with a file that is to be private', async () => {
    const gateway = await startTestGateway()
    const file = paddedTestcard(16_000_000)
    const { queue, uid } = await interrupt(gateway, file)
    const [id] = queue.add([file], { requireSignedURLs: true })
    const upload = await untilState(queue, id, 'ready')
    expect(upload).toMatchObject({ upload: { constraints: { requireSignedURLs: true } } })
    expect(upload.uid).not.toBe(uid)
    expect(statesOf(queue)).toEqual(['needs-file', 'ready'])
  })

  it('cancels what is being resumed', async () => {
    const gateway = await startTestGateway()
    const file = paddedTestcard(16_000_000)
    const { queue } = await interrupt(gateway, file)
    const [id = ''] = queue.add([file], TUS)
    // Not polled: it is found and prepared within a few milliseconds.
    await new Promise<void>((resolve) => {
      queue.subscribe(() => {
        const [found, ...others] = queue.getSnapshot()
        if (found?.id === id && found.state === 'preparing' && others.length === 0) resolve()
      })
    })
    await queue.cancel(id)
    await vi.waitFor(async () => {
      expect((await gateway.emulator.state()).videos).toEqual([])
    }, WAIT)
    expect(queue.getSnapshot()).toEqual([])
  })

  it('follows what was sent to its end, without the file', async () => {
    const gateway = await startTestGateway({ EMULATOR_ENCODE_MS: '60000' })
    const storage = createMemoryStorage()
    const before = createUploadQueue(clientOf(gateway, { storage }))
    const [id] = before.add([testcardFile()])
    const { uid } = await untilState(before, id, 'processing')
    const stored = clientOf(gateway, { storage })
    await vi.waitFor(async () => {
      expect(await stored.resumable()).toMatchObject([{ isSent: true }])
    }, WAIT)
    before.close()
    const queue = createUploadQueue(clientOf(gateway, { storage }))
    queue.subscribe(() => {})
    await vi.waitFor(() => expect(statesOf(queue)).toEqual(['processing']), WAIT)
    await gateway.emulator.advanceClock(60)
    await untilIdle(gateway, queue)
    expect(queue.getSnapshot()).toMatchObject([{ state: 'ready', uid, name: 'testcard.mp4' }])
    expect(await stored.resumable()).toEqual([])
  })

  it('cancels what is not resumed', async () => {
    const gateway = await startTestGateway()
    const { client, queue } = await interrupt(gateway, paddedTestcard(16_000_000))
    await queue.cancel(queue.getSnapshot()[0]?.id ?? '')
    expect((await gateway.emulator.state()).videos).toEqual([])
    expect(await client.resumable()).toEqual([])
  })

  it('needs the file again when its deletion failed and it is tried again', async () => {
    const gateway = await startTestGateway()
    const options = { fetch: fetchButDelete, retries: 0 }
    const { queue, uid } = await interrupt(gateway, paddedTestcard(16_000_000), options)
    const [{ id } = { id: '' }] = queue.getSnapshot()
    await expect(queue.cancel(id)).rejects.toMatchObject({ code: 'NETWORK' })
    expect(find(queue, id)).toMatchObject({ uid, error: { code: 'NETWORK' } })
    queue.retry(id)
    expect(find(queue, id).state).toBe('needs-file')
  })
})

it.each([1, 3])('mints a file once when a queue of 5 and one of %i get it', async (other) => {
  const gateway = await startTestGateway()
  const storage = createMemoryStorage()
  const queues = [5, other].map((concurrency) =>
    createUploadQueue(clientOf(gateway, { storage }), { concurrency }),
  )
  const all = files(5)
  for (const queue of queues) queue.add(all)
  for (const queue of queues) await untilIdle(gateway, queue)
  expect(queues.map(statesOf)).toEqual([Array(5).fill('ready'), Array(5).fill('ready')])
  expect((await gateway.emulator.state()).videos).toHaveLength(5)
})

it('uploads a file of Node again whose deletion failed', async () => {
  const gateway = await startTestGateway()
  await gateway.emulator.fault({ on: 'upload', delayMs: 3_600_000 })
  const client = clientOf(gateway, { fetch: fetchButDelete, retries: 0 })
  const queue = createUploadQueue(client, { settings: { protocol: 'BASIC' } })
  const [id = ''] = queue.add([testcard.path])
  await untilState(queue, id, 'uploading')
  await expect(queue.cancel(id)).rejects.toMatchObject({ code: 'NETWORK' })
  queue.retry(id)
  await vi.waitFor(() => expect(['ready', 'failed']).toContain(find(queue, id).state), WAIT)
  expect(find(queue, id)).toMatchObject({ state: 'ready', error: null })
})

describe('a stream', () => {
  it('that is paused before it is minted is uploaded when it is resumed', async () => {
    const gateway = await startTestGateway()
    let isPaused = false
    const pauseOnce: typeof globalThis.fetch = (input, init) => {
      const isLimits = typeof init?.body === 'string' && init.body.includes('query Limits')
      if (isLimits && !isPaused) queue.pause(id)
      isPaused ||= isLimits
      return fetch(input, init)
    }
    const queue = createUploadQueue(clientOf(gateway, { fetch: pauseOnce }))
    const file = testcardFile('stream.mp4')
    const { size, name } = file
    const [id = '', other] = queue.add([{ stream: file.stream(), size, name }, testcardFile()])
    await untilState(queue, other, 'ready')
    expect(find(queue, id)).toMatchObject({ state: 'paused', uid: null })
    queue.resume(id)
    await vi.waitFor(() => expect(['ready', 'failed']).toContain(find(queue, id).state), WAIT)
    expect(find(queue, id)).toMatchObject({ state: 'ready', error: null })
  })

  it.each(['cancel', 'remove', 'close'] as const)(
    'that has no bytes yet is ended by %s, and stops no other file',
    async (method) => {
      const gateway = await startTestGateway()
      const queue = createUploadQueue(clientOf(gateway))
      const cancel = vi.fn<() => void>()
      const stream = new ReadableStream<Uint8Array>({ cancel })
      const [id = '', other] = queue.add([{ stream, size: 6_000_000 }, testcardFile()])
      await vi.waitFor(() => expect(stream.locked).toBe(true), WAIT)
      await queue[method](id)
      await vi.waitFor(() => expect(cancel).toHaveBeenCalled(), WAIT)
      if (method !== 'close') await untilState(queue, other, 'ready')
    },
  )

  it('is ended when its upload cannot be minted', async () => {
    const gateway = await startTestGateway({ CREATOR_QUOTA_MINUTES: '2' })
    const queue = createUploadQueue(clientOf(gateway))
    const cancel = vi.fn<() => void>()
    const stream = new ReadableStream<Uint8Array>({
      pull: (controller) => controller.enqueue(new Uint8Array(65_536)),
      cancel,
    })
    const [id] = queue.add([{ stream, size: 6_000_000 }], { maxDurationSeconds: 300 })
    expect((await untilState(queue, id, 'failed')).error?.code).toBe('QUOTA_EXCEEDED')
    expect(cancel).toHaveBeenCalled()
  })
})

/** Adds a file twice; resolves in the middle of the transfer. */
async function addTwice(gateway: TestGateway) {
  const { fetch, held, release } = holdSecondChunk()
  const queue = createUploadQueue(clientOf(gateway, { fetch }), { settings: TUS })
  const file = paddedTestcard(16_000_000)
  const ids = queue.add([file, file])
  for (const id of ids) await untilMinted(queue, id)
  await held
  return { queue, ids, release }
}

describe('a file that is added twice', () => {
  it('is uploaded once', async () => {
    const gateway = await startTestGateway()
    const queue = createUploadQueue(clientOf(gateway))
    const [file = testcardFile()] = files(1)
    queue.add([file, file])
    await untilIdle(gateway, queue)
    const [first, second] = queue.getSnapshot()
    expect(first).toMatchObject({ state: 'ready', uid: second?.uid })
    expect((await gateway.emulator.state()).videos).toHaveLength(1)
  })

  it.each([0, 1])('is uploaded when entry %i of it is canceled', async (canceled) => {
    const gateway = await startTestGateway()
    const { queue, ids, release } = await addTwice(gateway)
    await queue.cancel(ids[canceled] ?? '')
    release()
    await untilIdle(gateway, queue)
    expect(statesOf(queue)).toEqual(['ready'])
    expect((await gateway.emulator.state()).videos).toHaveLength(1)
  })

  it('is deleted when both entries of it are canceled', async () => {
    const gateway = await startTestGateway()
    const { queue, ids } = await addTwice(gateway)
    await Promise.all(ids.map((id) => queue.cancel(id)))
    expect((await gateway.emulator.state()).videos).toEqual([])
  })
})

it('shows the progress of a file once until the clock has advanced', async () => {
  const gateway = await startTestGateway()
  const now = Date.now()
  const queue = createUploadQueue(clientOf(gateway, { clock: createTestClock(() => now) }))
  const shown = new Set<QueuedUpload>()
  queue.subscribe(() => {
    for (const file of queue.getSnapshot()) if (file.state === 'uploading') shown.add(file)
  })
  const [id] = queue.add([paddedTestcard(40_000_000)], TUS)
  await untilState(queue, id, 'ready')
  expect(shown.size).toBe(1)
})

it('calls no listener after it was closed', async () => {
  const gateway = await startTestGateway()
  const queue = createUploadQueue(clientOf(gateway))
  let calls = 0
  queue.subscribe(() => (calls += 1))
  const [id] = queue.add(files(3))
  await untilState(queue, id, 'uploading')
  queue.close()
  const before = { calls, snapshot: queue.getSnapshot() }
  await vi.waitFor(async () => {
    expect((await gateway.emulator.state()).videos).toHaveLength(3)
  }, WAIT)
  expect(queue.add(files(1))).toEqual([])
  expect({ calls, snapshot: queue.getSnapshot() }).toEqual(before)
})

it('lets a listener remove and pause files while others start', async () => {
  const gateway = await startTestGateway()
  const queue = createUploadQueue(clientOf(gateway))
  const stop = queue.subscribe(() => {
    const [first, second, third] = queue.getSnapshot()
    if (first?.state !== 'preparing' || second === undefined || third === undefined) return
    stop()
    queue.pause(second.id)
    queue.remove(third.id)
  })
  const [first, second] = queue.add(files(3))
  await untilState(queue, first, 'ready')
  expect(find(queue, second)).toMatchObject({ state: 'paused', uid: null })
  expect(queue.getSnapshot()).toHaveLength(2)
  expect((await gateway.emulator.state()).videos).toHaveLength(1)
})

it.each([0, -1, 1.5, Number.NaN])('rejects a concurrency of %s', async (concurrency) => {
  const client = clientOf(await startTestGateway())
  expect(() => createUploadQueue(client, { concurrency })).toThrow('must be a positive integer.')
})
