/** Every kind of file, by both protocols: what is sent, what resumes, and what fails. */
import {
  appendFile,
  mkdtemp,
  open,
  readdir,
  readlink,
  rm,
  truncate,
  writeFile,
} from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import {
  type StreamSource,
  type UploadOptions,
  type UploadProgress,
  type UploadSource,
  createMemoryStorage,
} from '../../src/client/client.ts'
import { type TestGateway, startTestGateway } from '../kit/gateway.ts'
import { paddedTestcard } from '../kit/media.ts'
import { CHUNK_BYTES, clientOf, withAdvancingClock } from './kit.ts'

const SIZE_BYTES = 12_000_000
const bytes = new Uint8Array(await paddedTestcard(SIZE_BYTES).arrayBuffer())
const TUS_OPTIONS: UploadOptions = { protocol: 'TUS', chunkSizeBytes: CHUNK_BYTES }
const PIECE_BYTES = 100_000

/** Writes the file to the disk. */
async function writeTestcard(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'headgate-sources-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  const path = join(folder, 'holidays.mp4')
  await writeFile(path, bytes)
  return path
}

async function openTestcard() {
  const handle = await open(await writeTestcard(), 'r+')
  onTestFinished(() => handle.close())
  return handle
}

interface StreamOptions {
  readonly content?: Uint8Array
  /** Called with the position of each piece before it is handed out. */
  readonly onPull?: (position: number) => void | Promise<void>
}

/** A stream of many pieces, which are made when they are read. */
function streamOf(
  size: number,
  { content = bytes, onPull }: StreamOptions = {},
): StreamSource & { readonly size: number } {
  let position = 0
  const stream = new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        await onPull?.(position)
        const piece = content.slice(position, position + PIECE_BYTES)
        position += piece.byteLength
        if (piece.byteLength === 0) controller.close()
        else controller.enqueue(piece)
      },
    },
    { highWaterMark: 0 },
  )
  return { stream, size, name: 'stream.mp4', type: 'video/mp4' }
}

const kinds: [
  name: string,
  open: () => UploadSource | Promise<UploadSource>,
  name: string | null,
][] = [
  ['a Blob', () => new Blob([bytes]), null],
  ['a Uint8Array', () => bytes, null],
  ['a path', writeTestcard, 'holidays.mp4'],
  ['a FileHandle', openTestcard, null],
  ['a stream', () => streamOf(SIZE_BYTES), 'stream.mp4'],
  [
    'a uri that `fetch` reads',
    () => {
      const uri = URL.createObjectURL(new Blob([bytes]))
      onTestFinished(() => URL.revokeObjectURL(uri))
      return { uri, size: SIZE_BYTES, name: 'picked.mp4', type: 'video/mp4' }
    },
    'picked.mp4',
  ],
  [
    'a file with `read`',
    () => ({
      uri: 'file:///picked.mp4',
      size: SIZE_BYTES,
      read: (start: number, end: number) => bytes.subarray(start, end),
    }),
    null,
  ],
]

describe.each(kinds)('%s', (_kind, openSource, name) => {
  it('is sent by tus', async () => {
    const gateway = await startTestGateway()
    const ready = await clientOf(gateway).upload(await openSource(), TUS_OPTIONS)
    expect(ready).toMatchObject({ name, protocol: 'TUS', video: { sizeBytes: SIZE_BYTES } })
    const { requests } = await gateway.emulator.state()
    expect(requests).toMatchObject({ tus_create: 1, tus_patch: 3 })
  })

  it('is sent by one POST, with progress in bytes', async () => {
    const gateway = await startTestGateway()
    const sent: number[] = []
    const ready = await clientOf(gateway).upload(await openSource(), {
      protocol: 'BASIC',
      onProgress: ({ sentBytes }) => sent.push(sentBytes),
    })
    expect(ready).toMatchObject({ name, protocol: 'BASIC', video: { sizeBytes: SIZE_BYTES } })
    expect(sent).toEqual(sent.toSorted((a, b) => a - b))
    expect(new Set(sent).size).toBeGreaterThan(20)
    const { requests } = await gateway.emulator.state()
    expect(requests).toMatchObject({ direct_upload: 1, upload: 1 })
  })

  it('resumes after a pause when it is opened again', async () => {
    const gateway = await startTestGateway()
    const storage = createMemoryStorage()
    // The same file again, not another copy.
    const source = await openSource()
    const again = isStream(source) ? streamOf(SIZE_BYTES) : source
    const uid = await pauseAfter(gateway, source, CHUNK_BYTES, storage)
    const before = await gateway.emulator.state()
    const ready = await clientOf(gateway, { storage }).upload(again, TUS_OPTIONS)
    expect(ready).toMatchObject({ uid, status: 'READY', video: { sizeBytes: SIZE_BYTES } })
    const { requests } = await gateway.emulator.state()
    expect(Number(requests['tus_patch']) - Number(before.requests['tus_patch'])).toBeLessThan(3)
  })
})

describe('a stream', () => {
  it('is uploaded by tus if the caller requires nothing else', async () => {
    const gateway = await startTestGateway()
    expect(await clientOf(gateway).upload(streamOf(SIZE_BYTES))).toMatchObject({ protocol: 'TUS' })
  })

  it('sends the last chunk again after a broken connection', async () => {
    const gateway = await startTestGateway()
    await gateway.emulator.fault({ on: 'tus_patch', hangUpAfter: true })
    await gateway.emulator.fault({ on: 'tus_patch', status: 503 })
    const upload = clientOf(gateway).upload(streamOf(SIZE_BYTES), TUS_OPTIONS)
    const { video } = await withAdvancingClock(gateway.clock, upload)
    expect(video.sizeBytes).toBe(SIZE_BYTES)
    const { requests } = await gateway.emulator.state()
    expect(requests).toMatchObject({ tus_create: 1, tus_patch: 4 })
  })

  it('fails with SOURCE_CONSUMED after a broken POST, and is sent again if it has up to 5 MiB', async () => {
    const gateway = await startTestGateway()
    await gateway.emulator.fault({ on: 'upload', hangUp: true })
    const client = clientOf(gateway)
    const long = client.upload(streamOf(SIZE_BYTES), { protocol: 'BASIC' })
    await expect(withAdvancingClock(gateway.clock, long)).rejects.toMatchObject({
      code: 'SOURCE_CONSUMED',
      offsetBytes: 0,
    })
    const [{ uid } = { uid: '' }] = await client.resumable()
    expect(await client.upload(streamOf(SIZE_BYTES), { protocol: 'BASIC' })).toMatchObject({ uid })

    await gateway.emulator.fault({ on: 'upload', hangUp: true })
    const content = new Uint8Array(await paddedTestcard(2_000_000).arrayBuffer())
    const short = client.upload(streamOf(2_000_000, { content }), { protocol: 'BASIC' })
    expect(await withAdvancingClock(gateway.clock, short)).toMatchObject({ status: 'READY' })
  })

  it('fails with SOURCE_CONSUMED when the URL is gone, and a new stream starts over', async () => {
    const gateway = await startTestGateway()
    let heads = 0
    const goneAtSecondHead: typeof fetch = async (input, init) => {
      if (init?.method === 'HEAD') heads += 1
      return init?.method === 'HEAD' && heads === 2
        ? new Response(null, { status: 404 })
        : fetch(input, init)
    }
    const client = clientOf(gateway, { fetch: goneAtSecondHead })
    // Only the gateway's clock is advanced, so that the default expiry would be too late for Stream.
    const expiry = new Date(gateway.clock.now().getTime() + 3_600_000)
    const upload = client.upload(
      streamOf(SIZE_BYTES, {
        async onPull(position) {
          if (position !== 8_000_000) return
          await gateway.emulator.fault({ on: 'tus_patch', hangUp: true })
        },
      }),
      { ...TUS_OPTIONS, expiry },
    )
    await expect(withAdvancingClock(gateway.clock, upload)).rejects.toMatchObject({
      code: 'SOURCE_CONSUMED',
      offsetBytes: 0,
    })
    expect(await client.upload(streamOf(SIZE_BYTES), TUS_OPTIONS)).toMatchObject({
      status: 'READY',
    })
  })

  it.each(['TUS', 'BASIC'] as const)(
    'that ends early fails with SOURCE_FAILED by %s, and its upload is not complete',
    async (protocol) => {
      const gateway = await startTestGateway()
      const upload = clientOf(gateway).upload(streamOf(SIZE_BYTES + 1), { protocol })
      await expect(upload).rejects.toMatchObject({
        code: 'SOURCE_FAILED',
        reason: 'ENDED_EARLY',
        message: 'The stream ended after 12000000 of 12000001 bytes.',
      })
      await expectIncomplete(gateway)
    },
  )

  it.each(['TUS', 'BASIC'] as const)(
    'that is longer than its size fails with SOURCE_FAILED by %s, and its upload is not complete',
    async (protocol) => {
      const gateway = await startTestGateway()
      const upload = clientOf(gateway).upload(streamOf(SIZE_BYTES - 1), { protocol })
      await expect(upload).rejects.toMatchObject({ code: 'SOURCE_FAILED', reason: 'TOO_LONG' })
      await expectIncomplete(gateway)
    },
  )

  it('that fails or has no bytes fails with SOURCE_FAILED', async () => {
    const gateway = await startTestGateway()
    const failing = streamOf(SIZE_BYTES, {
      onPull(position) {
        if (position === 8_000_000) throw new Error('the camera is off')
      },
    })
    const text = new Response('a'.repeat(100)).body?.pipeThrough(new TextDecoderStream())
    for (const source of [failing, { stream: text, size: 100 }]) {
      const upload = uploadUntyped(gateway, source)
      await expect(upload).rejects.toMatchObject({ code: 'SOURCE_FAILED', reason: 'UNREADABLE' })
    }
  })

  it('is read only as fast as it is sent: one chunk and one piece ahead', async () => {
    const gateway = await startTestGateway()
    let aheadBytes = 0
    let sentBytes = 0
    const source = streamOf(SIZE_BYTES, {
      onPull(position) {
        aheadBytes = Math.max(aheadBytes, position - sentBytes)
      },
    })
    await clientOf(gateway).upload(source, {
      ...TUS_OPTIONS,
      onProgress: (progress) => {
        ;({ sentBytes } = progress)
      },
    })
    expect(aheadBytes).toBeGreaterThan(0)
    expect(aheadBytes).toBeLessThanOrEqual(CHUNK_BYTES + PIECE_BYTES)
  })

  it('that is waited for is released by a pause', async () => {
    const gateway = await startTestGateway()
    const pausing = new AbortController()
    let isCanceled = false
    const stream = new ReadableStream<Uint8Array>({
      pull: () => new Promise(() => setTimeout(() => pausing.abort(new Error('paused')))),
      cancel() {
        isCanceled = true
      },
    })
    const upload = clientOf(gateway).upload({ stream, size: 100 }, { signal: pausing.signal })
    await expect(upload).rejects.toThrow('paused')
    expect(isCanceled).toBe(true)
  })
})

describe('a file that changes during the upload', () => {
  it.each(['TUS', 'BASIC'] as const)('fails with SOURCE_FAILED by %s', async (protocol) => {
    const gateway = await startTestGateway()
    for (const kind of ['path', 'handle'] as const) {
      const path = await writeTestcard()
      const handle = await open(path, 'r')
      onTestFinished(() => handle.close())
      let change: Promise<void> | undefined
      const fetchAfterChange: typeof fetch = async (input, init) => {
        // The upload is created before the change, and sent after it.
        if (!new Request(input).url.startsWith(gateway.url)) {
          await (change ??= appendFile(path, 'more'))
        }
        return fetch(input, init)
      }
      const client = clientOf(gateway, { fetch: fetchAfterChange })
      const upload = client.upload(kind === 'path' ? path : handle, { protocol })
      await expect(upload).rejects.toMatchObject({
        code: 'SOURCE_FAILED',
        reason: 'CHANGED',
      })
    }
    await expectIncomplete(gateway)
  })
})

describe('a path', () => {
  it.each([
    ['EMPTY_FILE', 0],
    ['FILE_TOO_LARGE', 200_000_001],
  ])('is closed after %s', async (code, size) => {
    const gateway = await startTestGateway()
    const path = await writeTestcard()
    await truncate(path, size)
    const upload = clientOf(gateway).upload(path, { protocol: 'BASIC' })
    await expect(upload).rejects.toMatchObject({ code })
    // The client does not wait until the file is closed.
    await expect.poll(openPaths).not.toContain(path)
  })
})

/** Paths of the files that this process has open. */
async function openPaths(): Promise<string[]> {
  const folder = '/proc/self/fd'
  const links = await readdir(folder)
  return Promise.all(links.map(async (link) => readlink(join(folder, link)).catch(() => '')))
}

async function expectIncomplete(gateway: TestGateway): Promise<void> {
  const { videos } = await gateway.emulator.state()
  expect(videos.map(({ state }) => state)).toEqual(videos.map(() => 'pendingupload'))
}

function isStream(source: UploadSource): source is StreamSource {
  return typeof source === 'object' && 'stream' in source && typeof source.stream === 'object'
}

/** Uploads until at least `sentBytes` are sent, then aborts; returns the uid. */
async function pauseAfter(
  gateway: TestGateway,
  source: UploadSource,
  bytesToSend: number,
  storage: ReturnType<typeof createMemoryStorage>,
): Promise<string> {
  const pausing = new AbortController()
  let last: UploadProgress | undefined
  const upload = clientOf(gateway, { storage }).upload(source, {
    ...TUS_OPTIONS,
    signal: pausing.signal,
    onProgress: (progress) => {
      last = progress
      if (progress.sentBytes >= bytesToSend) pausing.abort(new Error('paused'))
    },
  })
  await expect(upload).rejects.toThrow('paused')
  return last?.upload?.uid ?? ''
}

async function uploadUntyped(gateway: TestGateway, source: unknown): Promise<unknown> {
  const client = clientOf(gateway)
  const upload: unknown = Reflect.get(client, 'upload')
  if (typeof upload !== 'function') throw new Error('no method')
  return Reflect.apply(upload, client, [source, TUS_OPTIONS])
}
