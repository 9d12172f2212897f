/** The binding's adapter against the emulator: the contract, alone and with REST beside it. */
import { readFile } from 'node:fs/promises'
import { describe, expect, onTestFinished, test } from 'vitest'
import { createStreamBinding } from '../../src/emulator/binding/stream-binding.ts'
import { startEmulator, type Emulator, type EmulatorOptions } from '../../src/emulator/emulator.ts'
import type { StreamApi } from '../../src/uploads/ports/stream-api.ts'
import { createBindingStreamApi } from '../../src/stream/binding/binding-stream-api.ts'
import { createRestStreamApi } from '../../src/stream/rest/rest-stream-api.ts'
import { combineBindingWithRest } from '../../src/stream/combine-apis.ts'
import { describeStreamApi } from '../contracts/stream-api.ts'
import { uploadParamsFor } from '../contracts/stream-suite.ts'
import { controlApiOf } from '../kit/emulator.ts'
import { caught } from './stub-failure.ts'

function alone(emulator: Emulator): StreamApi {
  return createBindingStreamApi(createStreamBinding(emulator))
}

function beside(emulator: Emulator): StreamApi {
  const { accountId, token: apiToken, apiBaseUrl: baseUrl } = emulator
  return combineBindingWithRest(
    alone(emulator),
    createRestStreamApi({ accountId, apiToken, baseUrl }),
  )
}

async function start(options: EmulatorOptions = {}) {
  const emulator = await startEmulator(options)
  onTestFinished(() => emulator.close())
  return { emulator, backend: alone(emulator), knobs: controlApiOf(emulator.url) }
}

describe.each([
  { name: 'binding', make: alone },
  { name: 'binding with REST', make: beside },
])('$name', ({ name, make }) => {
  describeStreamApi(name, async () => {
    const emulator = await startEmulator()
    return { streamApi: make(emulator), ownsAccount: true, close: () => emulator.close() }
  })
})

test('says what it can, alone and with REST', async () => {
  const { emulator } = await start()
  expect(alone(emulator)).toMatchObject({
    name: 'binding',
    capabilities: {
      tusUploads: false,
      deadlineChanges: false,
      storageUsage: false,
      webhook: false,
    },
  })
  expect(beside(emulator)).toMatchObject({
    name: 'binding',
    capabilities: {
      tusUploads: true,
      deadlineChanges: true,
      storageUsage: true,
      webhook: true,
    },
  })
})

test('with REST, basic URLs need no token, and the rest goes by it', async () => {
  const { emulator } = await start()
  const { accountId, apiBaseUrl: baseUrl } = emulator
  const refused = createRestStreamApi({ accountId, apiToken: 'another-token', baseUrl })
  const backend = combineBindingWithRest(alone(emulator), refused)
  const { uid } = await backend.createDirectUpload(uploadParamsFor(null))
  const expected = { kind: 'unauthorized' }
  expect(await caught(backend.findVideo(uid))).toMatchObject(expected)
  const tus = backend.createTusUpload({ ...uploadParamsFor(null), sizeBytes: 1000 })
  expect(await caught(tus)).toMatchObject(expected)
})

test('a video goes its whole way', async () => {
  const { backend, knobs: controlApi } = await start({ encodeMs: 60_000 })
  const { uid, uploadURL } = await backend.createDirectUpload(uploadParamsFor('user-1'))
  const form = new FormData()
  form.set('file', new Blob([await readFile('src/demo/testcard.mp4')]), 'testcard.mp4')
  expect((await fetch(uploadURL, { method: 'POST', body: form })).status).toBe(200)
  expect((await backend.findVideo(uid))?.state).toMatch(/^(queued|inprogress)$/)

  await controlApi.advanceClock(61)
  const video = await backend.findVideo(uid)
  expect(video).toMatchObject({ state: 'ready', readyToStream: true, failure: null })
  for (const fact of ['sizeBytes', 'durationSeconds', 'width', 'height'] as const)
    expect(video?.[fact]).toBeGreaterThan(0)
  for (const address of ['hlsURL', 'dashURL', 'thumbnailURL', 'previewURL'] as const)
    expect(video?.[address]).toMatch(/^http/)
  expect(video?.hlsURL).toMatch(/m3u8$/)
  expect(video?.dashURL).toMatch(/mpd$/)
  expect(video?.readyAt).toBeInstanceOf(Date)
  const { videos } = await backend.listVideos({ state: 'ready', creator: 'user-1' })
  expect(videos).toEqual([video])
})

describe('trouble', () => {
  test('a creation cut off after the work: it may have happened, and it has', async () => {
    const { backend, knobs: controlApi } = await start()
    await controlApi.fault({ on: 'direct_upload', hangUpAfter: true })
    const error = await caught(backend.createDirectUpload(uploadParamsFor('user-1')))
    expect(error).toMatchObject({ kind: 'unavailable', mayHaveSucceeded: true })
    expect((await backend.listVideos({ creator: 'user-1' })).videos).toHaveLength(1)
  })

  test.each([
    [429, 'rate-limited', false],
    [503, 'unavailable', true],
    [500, 'unavailable', true],
  ])('status %i, and then all is well', async (status, kind, mayHaveSucceeded) => {
    const { backend, knobs: controlApi } = await start()
    await controlApi.fault({ on: 'direct_upload', status })
    const error = await caught(backend.createDirectUpload(uploadParamsFor(null)))
    expect(error).toMatchObject({ kind, mayHaveSucceeded, status })
    expect(await backend.createDirectUpload(uploadParamsFor(null))).toHaveProperty('uid')
  })

  test('storage that is spent', async () => {
    const { backend } = await start({ storageMinutes: 1 })
    await backend.createDirectUpload(uploadParamsFor(null))
    const expected = { kind: 'quota', status: 413, codes: [10_011], mayHaveSucceeded: false }
    expect(await caught(backend.createDirectUpload(uploadParamsFor(null)))).toMatchObject(expected)
  })

  test('a Worker that is not let in', async () => {
    const { emulator } = await start()
    const wrong = createBindingStreamApi(createStreamBinding({ ...emulator, token: 'another' }))
    const expected = { kind: 'unauthorized', mayHaveSucceeded: false }
    expect(await caught(wrong.createDirectUpload(uploadParamsFor(null)))).toMatchObject(expected)
    expect(await caught(wrong.findVideo('0'.repeat(32)))).toMatchObject(expected)
  })

  test('one of several that cannot be told fails the list', async () => {
    const { backend, knobs: controlApi } = await start()
    const uids: string[] = []
    for (let count = 0; count < 7; count += 1)
      uids.push((await backend.createDirectUpload(uploadParamsFor(null))).uid)
    const few = uids.slice(1)
    await controlApi.fault({ on: 'details', status: 503 })
    expect(await caught(backend.listVideos({ uids: few }))).toMatchObject({ kind: 'unavailable' })
    expect((await backend.listVideos({ uids: few })).videos).toHaveLength(6)
    await controlApi.fault({ on: 'list', status: 429 })
    expect(await caught(backend.listVideos({ uids }))).toMatchObject({ kind: 'rate-limited' })
    expect((await backend.listVideos({ uids })).videos).toHaveLength(7)
  })

  test('an answer that does not come is given up, and so is one by the caller', async () => {
    const { emulator, knobs: controlApi } = await start()
    const backend = createBindingStreamApi(createStreamBinding(emulator), {
      timeoutMs: 50,
      creationTimeoutMs: 60,
    })
    const delay = { delayMs: 5000 } as const
    await controlApi.fault({ on: 'direct_upload', ...delay })
    const late = await caught(backend.createDirectUpload(uploadParamsFor(null)))
    expect(late).toMatchObject({ kind: 'unavailable', mayHaveSucceeded: true, status: null })
    expect(late.message).toContain('60 ms')
    await controlApi.fault({ on: 'details', ...delay })
    const found = await caught(backend.findVideo('0'.repeat(32)))
    expect(found).toMatchObject({ kind: 'unavailable', mayHaveSucceeded: false })
    await controlApi.fault({ on: 'list', ...delay })
    const reason = new Error('the caller is gone')
    const caller = new AbortController()
    const listing = alone(emulator).listVideos({}, caller.signal)
    caller.abort(reason)
    await expect(listing).rejects.toBe(reason)
  })
})
