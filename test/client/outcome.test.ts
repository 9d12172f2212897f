/** Uploads that do not end in READY. */
import { openAsBlob } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { describe, expect, it, onTestFinished } from 'vitest'
import { UploadError, type UploadSource, createMemoryStorage } from '../../src/client/client.ts'
import { startTestGateway } from '../kit/gateway.ts'
import { damagedVideo, paddedTestcard, testcard, testcardFile, textFile } from '../kit/media.ts'
import { CHUNK_BYTES, clientOf } from './kit.ts'

describe('a file', () => {
  it.each([
    ['longer than allowed', testcardFile(), 'ERR_DURATION_EXCEED_CONSTRAINT'],
    ['that is not a video', textFile(), 'ERR_NON_VIDEO'],
    ['that is damaged', damagedVideo(), 'ERR_MALFORMED_VIDEO'],
  ])('%s ends in VIDEO_FAILED with Stream’s reason', async (_name, file, code) => {
    const gateway = await startTestGateway()
    const client = clientOf(gateway)
    await expect(client.upload(file, { maxDurationSeconds: 5 })).rejects.toMatchObject({
      name: 'UploadError',
      code: 'VIDEO_FAILED',
      failure: { code },
    })
    expect(await client.resumable()).toEqual([])
  })

  it('without bytes rejects with EMPTY_FILE before any request', async () => {
    const gateway = await startTestGateway()
    await expect(clientOf(gateway).upload(new Blob([]))).rejects.toMatchObject({
      code: 'EMPTY_FILE',
    })
  })

  it('of more than 200 MB rejects a basic upload with FILE_TOO_LARGE before any request', async () => {
    const gateway = await startTestGateway()
    const upload = clientOf(gateway).upload(paddedTestcard(200_000_001), { protocol: 'BASIC' })
    await expect(upload).rejects.toMatchObject({
      code: 'FILE_TOO_LARGE',
      sizeBytes: 200_000_001,
      limitBytes: 200_000_000,
    })
    expect((await gateway.emulator.state()).videos).toEqual([])
  })

  it.each([1_048_576, CHUNK_BYTES + 1, 209_977_344])(
    'rejects chunks of %i bytes, which Stream does not accept',
    async (chunkSizeBytes) => {
      const gateway = await startTestGateway()
      const upload = clientOf(gateway).upload(testcardFile(), { chunkSizeBytes })
      await expect(upload).rejects.toMatchObject({
        code: 'INVALID_INPUT',
        issues: [{ path: ['chunkSizeBytes'] }],
      })
    },
  )
})

describe('what is invalid is rejected before any request:', () => {
  const cyclic: Record<string, unknown> = {}
  cyclic['self'] = cyclic
  const transferred = new Uint8Array(8)
  structuredClone(transferred.buffer, { transfer: [transferred.buffer] })

  it.each<[string, unknown, Record<string, unknown>, string[]]>([
    ['an ArrayBuffer', new ArrayBuffer(8), {}, ['file']],
    ['a DataView', new DataView(new ArrayBuffer(8)), {}, ['file']],
    ['a file of React Native without a size', { uri: 'file:///a.mp4' }, {}, ['file']],
    ['a stream without a size', { stream: new ReadableStream() }, {}, ['file']],
    ['a stream with a size in text', { stream: new ReadableStream(), size: '8' }, {}, ['file']],
    ['a stream that is read already', { stream: lockedStream(), size: 8 }, {}, ['file']],
    ['a stream of Node', { stream: Readable.from([]), size: 8 }, {}, ['file']],
    ['no file', undefined, {}, ['file']],
    ['null', null, {}, ['file']],
    ['text as chunk size', testcardFile(), { chunkSizeBytes: '5242880' }, ['chunkSizeBytes']],
    ['NaN as chunk size', testcardFile(), { chunkSizeBytes: Number.NaN }, ['chunkSizeBytes']],
    ['an unknown protocol', testcardFile(), { protocol: 'tus' }, ['protocol']],
    ['text as flag', testcardFile(), { reliableConnection: 'no' }, ['reliableConnection']],
    ['a listener that is no function', testcardFile(), { onProgress: {} }, ['onProgress']],
    ['a signal that is none', testcardFile(), { signal: {} }, ['signal']],
    ['an invalid date', testcardFile(), { expiry: new Date(Number.NaN) }, ['expiry']],
    ['a number as date', testcardFile(), { scheduledDeletion: 5 }, ['scheduledDeletion']],
    [
      'NaN as percentage',
      testcardFile(),
      { thumbnailTimestampPct: Number.NaN },
      ['thumbnailTimestampPct'],
    ],
    [
      'an endless duration',
      testcardFile(),
      { maxDurationSeconds: Infinity },
      ['maxDurationSeconds'],
    ],
    ['a cycle in meta', testcardFile(), { meta: cyclic }, ['meta']],
    ['a bigint in meta', testcardFile(), { meta: { a: 1n } }, ['meta']],
    ['three errors', {}, { protocol: 1, meta: 'b' }, ['file', 'protocol', 'meta']],
  ])('%s', async (_name, file, options, paths) => {
    const gateway = await startTestGateway()
    const client = clientOf(gateway)
    const upload: unknown = Reflect.get(client, 'upload')
    if (typeof upload !== 'function') throw new Error('no method')
    const call = async (): Promise<unknown> => Reflect.apply(upload, client, [file, options])
    const error = await call().catch((thrown: unknown) => thrown)
    if (!(error instanceof UploadError)) throw new Error('no UploadError', { cause: error })
    const issues = error.code === 'INVALID_INPUT' ? error.issues : []
    expect(issues.map(({ path }) => path.join('.'))).toEqual(paths)
    const { requests } = await gateway.emulator.state()
    expect(requests).toMatchObject({ direct_upload: 0, tus_create: 0 })
  })

  it('a file that was changed on disk since it was chosen', async () => {
    const gateway = await startTestGateway()
    const folder = await mkdtemp(join(tmpdir(), 'headgate-client-'))
    onTestFinished(() => rm(folder, { recursive: true }))
    const path = join(folder, 'a.mp4')
    await writeFile(path, testcard.bytes)
    const file = await openAsBlob(path)
    await writeFile(path, 'changed')
    await expect(clientOf(gateway).upload(file)).rejects.toMatchObject({
      code: 'SOURCE_FAILED',
      reason: 'CHANGED',
    })
    const { requests } = await gateway.emulator.state()
    expect(requests).toMatchObject({ direct_upload: 0, tus_create: 0 })
  })

  it.each<[string, UploadSource]>([
    ['a path without a file', '/no-folder/a.mp4'],
    ['the path of a folder', '/'],
    ['a uri that only React Native can read', { uri: 'file:///a.mp4', size: 8 }],
  ])('%s', async (_name, source) => {
    const gateway = await startTestGateway()
    const upload = clientOf(gateway).upload(source)
    await expect(upload).rejects.toMatchObject({ code: 'SOURCE_FAILED', reason: 'UNREADABLE' })
    const { requests } = await gateway.emulator.state()
    expect(requests).toMatchObject({ direct_upload: 0, tus_create: 0 })
  })

  it('a Uint8Array whose memory was transferred', async () => {
    const gateway = await startTestGateway()
    await expect(clientOf(gateway).upload(transferred)).rejects.toMatchObject({
      code: 'EMPTY_FILE',
    })
  })
})

describe('delete', () => {
  it('stops a running upload, which rejects with DELETED', async () => {
    const gateway = await startTestGateway()
    const client = clientOf(gateway)
    let uid: string | undefined
    let deleted: Promise<{ status: string }> | undefined
    const upload = client.upload(paddedTestcard(12_000_000), {
      protocol: 'TUS',
      chunkSizeBytes: CHUNK_BYTES,
      onProgress: (progress) => {
        uid = progress.upload?.uid
        if (progress.sentBytes >= CHUNK_BYTES && uid !== undefined) deleted ??= client.delete(uid)
      },
    })
    await expect(upload).rejects.toMatchObject({ code: 'DELETED' })
    expect(uid).toMatch(/^[0-9a-f]{32}$/)
    expect(await deleted).toMatchObject({ status: 'DELETED' })
    const { videos, reservedSeconds } = await gateway.emulator.state()
    expect({ videos, reservedSeconds }).toEqual({ videos: [], reservedSeconds: 0 })
    expect(await client.resumable()).toEqual([])
  })

  it('by another client rejects the watching upload with DELETED', async () => {
    const gateway = await startTestGateway({ EMULATOR_ENCODE_MS: '60000' })
    const upload = clientOf(gateway).upload(testcardFile(), {
      onProgress: ({ phase, upload: sent }) => {
        if (phase === 'processing' && sent !== null) void clientOf(gateway).delete(sent.uid)
      },
    })
    await expect(upload).rejects.toMatchObject({ code: 'DELETED' })
  })

  it('of an unknown upload rejects with UPLOAD_NOT_FOUND', async () => {
    const gateway = await startTestGateway()
    const uid = 'f'.repeat(32)
    await expect(clientOf(gateway).delete(uid)).rejects.toMatchObject({
      code: 'UPLOAD_NOT_FOUND',
      uid,
    })
  })
})

describe('a signal', () => {
  it('that is already aborted sends no request', async () => {
    const gateway = await startTestGateway()
    const reason = new Error('not now')
    const upload = clientOf(gateway).upload(testcardFile(), { signal: AbortSignal.abort(reason) })
    await expect(upload).rejects.toBe(reason)
    expect((await gateway.emulator.state()).videos).toEqual([])
  })

  it.each(['minting', 'uploading', 'processing'])('aborts the upload while %s', async (phase) => {
    const gateway = await startTestGateway({ EMULATOR_ENCODE_MS: '60000' })
    const controller = new AbortController()
    const reason = new Error('enough')
    const upload = clientOf(gateway).upload(testcardFile(), {
      signal: controller.signal,
      onProgress: (progress) => {
        if (progress.phase === phase) controller.abort(reason)
      },
    })
    await expect(upload).rejects.toBe(reason)
  })

  it('ends a watch', async () => {
    const gateway = await startTestGateway({ EMULATOR_ENCODE_MS: '60000' })
    const client = clientOf(gateway)
    const controller = new AbortController()
    const upload = client.upload(testcardFile(), {
      signal: controller.signal,
      onProgress: ({ upload: sent }) => {
        if (sent !== null) controller.abort(new Error(sent.uid))
      },
    })
    const uid = await upload.then(() => '').catch((error: unknown) => String(error).slice(7))
    const watching = new AbortController()
    const watch = async (): Promise<void> => {
      for await (const _state of client.watch(uid, { signal: watching.signal })) watching.abort()
    }
    await expect(watch()).rejects.toMatchObject({ name: 'AbortError' })
  })
})

it('leaks no upload URL in errors or storage', async () => {
  const gateway = await startTestGateway()
  const storage = createMemoryStorage()
  const client = clientOf(gateway, { retries: 0, storage })
  for (const fault of [{ status: 503 }, { hangUp: true }]) {
    for (const protocol of ['BASIC', 'TUS'] as const) {
      await gateway.emulator.fault({ on: 'upload', ...fault })
      const error = await client
        .upload(testcardFile(), { protocol, name: `${protocol} ${Object.keys(fault).join('')}` })
        .then(() => null)
        .catch((thrown: unknown) => thrown)
      expect(error).toBeInstanceOf(Error)
      expect(error instanceof UploadError && error.code).toMatch(/STREAM_UNAVAILABLE|NETWORK/)
      const cause = error instanceof Error ? [error.message, error.stack, error.cause] : []
      const leaked = JSON.stringify([error, ...cause])
      expect(leaked).not.toContain(new URL(gateway.emulator.url).host)
    }
  }
  const keys = await storage.keys()
  expect(keys).toHaveLength(4)
  for (const key of keys) expect(await storage.getItem(key)).not.toMatch(/https?:/)
})

function lockedStream(): ReadableStream {
  const stream = new ReadableStream()
  stream.getReader()
  return stream
}
