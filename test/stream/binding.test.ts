/** The binding's adapter against the emulator: the contract, alone and combined with REST. */
import { readFile } from 'node:fs/promises'
import { describe, expect, onTestFinished, test } from 'vitest'
import { createStreamBinding } from '../../src/emulator/binding/stream-binding.ts'
import { startEmulator, type Emulator, type EmulatorOptions } from '../../src/emulator/emulator.ts'
import type { StreamApi } from '../../src/uploads/ports/stream-api.ts'
import { createBindingStreamApi } from '../../src/stream/binding/binding-stream-api.ts'
import { createRestStreamApi } from '../../src/stream/rest/rest-stream-api.ts'
import { combineBindingWithRest } from '../../src/stream/combine-apis.ts'
import { describeStreamApi } from '../contracts/stream-api.ts'
import {
  playbackTokenParamsFor,
  unsupportedError,
  uploadParamsFor,
} from '../contracts/stream-suite.ts'
import { controlApiOf } from '../kit/emulator.ts'
import { streamErrorOf } from './stub-failure.ts'

function bindingApi(emulator: Emulator): StreamApi {
  return createBindingStreamApi(createStreamBinding(emulator))
}

function combinedApi(emulator: Emulator): StreamApi {
  const { accountId, token: apiToken, apiBaseUrl: baseUrl } = emulator
  return combineBindingWithRest(
    bindingApi(emulator),
    createRestStreamApi({ accountId, apiToken, baseUrl }),
  )
}

async function start(options: EmulatorOptions = {}) {
  const emulator = await startEmulator(options)
  onTestFinished(() => emulator.close())
  return { emulator, backend: bindingApi(emulator), controlApi: controlApiOf(emulator.url) }
}

describe.each([
  { name: 'binding', make: bindingApi },
  { name: 'binding with REST', make: combinedApi },
])('$name', ({ name, make }) => {
  describeStreamApi(name, async () => {
    const emulator = await startEmulator()
    return { streamApi: make(emulator), ownsAccount: true, close: () => emulator.close() }
  })
})

test('lists its capabilities, alone and combined with REST', async () => {
  const { emulator } = await start()
  expect(bindingApi(emulator)).toMatchObject({
    name: 'binding',
    capabilities: {
      tusUploads: false,
      deadlineChanges: false,
      storageUsage: false,
      webhook: false,
    },
  })
  expect(combinedApi(emulator)).toMatchObject({
    name: 'binding',
    capabilities: {
      tusUploads: true,
      deadlineChanges: true,
      storageUsage: true,
      webhook: true,
    },
  })
})

test('combined with REST, creates basic URLs by the binding and uses REST for the other calls', async () => {
  const { emulator } = await start()
  const { accountId, apiBaseUrl: baseUrl } = emulator
  const unauthorized = createRestStreamApi({ accountId, apiToken: 'another-token', baseUrl })
  const backend = combineBindingWithRest(bindingApi(emulator), unauthorized)
  const { uid } = await backend.createDirectUpload(uploadParamsFor(null))
  const expected = { kind: 'unauthorized' }
  expect(await streamErrorOf(backend.findVideo(uid))).toMatchObject(expected)
  const tus = backend.createTusUpload({ ...uploadParamsFor(null), sizeBytes: 1000 })
  expect(await streamErrorOf(tus)).toMatchObject(expected)
})

test('combined with REST, creates only tokens for an hour and without downloads by the binding', async () => {
  const { emulator } = await start()
  const { accountId, apiBaseUrl: baseUrl } = emulator
  const unauthorized = createRestStreamApi({ accountId, apiToken: 'another-token', baseUrl })
  const backend = combineBindingWithRest(bindingApi(emulator), unauthorized)
  const { uid } = await backend.createDirectUpload(uploadParamsFor(null))
  const params = playbackTokenParamsFor(uid)
  expect(await backend.createPlaybackToken(params)).toMatch(/^eyJ/)
  for (const other of [{ downloadable: true }, { ttlSeconds: 60 }]) {
    expect(await streamErrorOf(backend.createPlaybackToken({ ...params, ...other }))).toMatchObject(
      {
        kind: 'unauthorized',
      },
    )
    expect(
      await streamErrorOf(bindingApi(emulator).createPlaybackToken({ ...params, ...other })),
    ).toMatchObject(unsupportedError)
  }
})

test('uploads a video and reads it until it is ready', async () => {
  const { backend, controlApi } = await start({ encodeMs: 60_000 })
  const { uid, uploadURL } = await backend.createDirectUpload(uploadParamsFor('user-1'))
  const form = new FormData()
  form.set('file', new Blob([await readFile('src/demo/testcard.mp4')]), 'testcard.mp4')
  expect((await fetch(uploadURL, { method: 'POST', body: form })).status).toBe(200)
  expect((await backend.findVideo(uid))?.state).toMatch(/^(queued|inprogress)$/)

  await controlApi.advanceClock(61)
  const video = await backend.findVideo(uid)
  expect(video).toMatchObject({ state: 'ready', readyToStream: true, failure: null })
  for (const property of ['sizeBytes', 'durationSeconds', 'width', 'height'] as const)
    expect(video?.[property]).toBeGreaterThan(0)
  for (const url of ['hlsURL', 'dashURL', 'thumbnailURL', 'previewURL'] as const)
    expect(video?.[url]).toMatch(/^http/)
  expect(video?.hlsURL).toMatch(/m3u8$/)
  expect(video?.dashURL).toMatch(/mpd$/)
  expect(video?.readyAt).toBeInstanceOf(Date)
  const { videos } = await backend.listVideos({ state: 'ready', creator: 'user-1' })
  expect(videos).toEqual([video])
})

describe('failures', () => {
  test('a creation whose connection closes after the operation has mayHaveSucceeded true', async () => {
    const { backend, controlApi } = await start()
    await controlApi.fault({ on: 'direct_upload', hangUpAfter: true })
    const error = await streamErrorOf(backend.createDirectUpload(uploadParamsFor('user-1')))
    expect(error).toMatchObject({ kind: 'unavailable', mayHaveSucceeded: true })
    expect((await backend.listVideos({ creator: 'user-1' })).videos).toHaveLength(1)
  })

  test.each([
    [429, 'rate-limited', false],
    [503, 'unavailable', true],
    [500, 'unavailable', true],
  ])('status %i fails one call, and the next succeeds', async (status, kind, mayHaveSucceeded) => {
    const { backend, controlApi } = await start()
    await controlApi.fault({ on: 'direct_upload', status })
    const error = await streamErrorOf(backend.createDirectUpload(uploadParamsFor(null)))
    expect(error).toMatchObject({ kind, mayHaveSucceeded, status })
    expect(await backend.createDirectUpload(uploadParamsFor(null))).toHaveProperty('uid')
  })

  test('exhausted storage is a quota error', async () => {
    const { backend } = await start({ storageMinutes: 1 })
    await backend.createDirectUpload(uploadParamsFor(null))
    const expected = { kind: 'quota', status: 413, codes: [10_011], mayHaveSucceeded: false }
    expect(await streamErrorOf(backend.createDirectUpload(uploadParamsFor(null)))).toMatchObject(
      expected,
    )
  })

  test('a wrong token is unauthorized', async () => {
    const { emulator } = await start()
    const unauthenticated = createBindingStreamApi(
      createStreamBinding({ ...emulator, token: 'another' }),
    )
    const expected = { kind: 'unauthorized', mayHaveSucceeded: false }
    expect(
      await streamErrorOf(unauthenticated.createDirectUpload(uploadParamsFor(null))),
    ).toMatchObject(expected)
    expect(await streamErrorOf(unauthenticated.findVideo('0'.repeat(32)))).toMatchObject(expected)
  })

  test('one failed details call fails the list', async () => {
    const { backend, controlApi } = await start()
    const uids: string[] = []
    for (let count = 0; count < 7; count += 1)
      uids.push((await backend.createDirectUpload(uploadParamsFor(null))).uid)
    const few = uids.slice(1)
    await controlApi.fault({ on: 'details', status: 503 })
    expect(await streamErrorOf(backend.listVideos({ uids: few }))).toMatchObject({
      kind: 'unavailable',
    })
    expect((await backend.listVideos({ uids: few })).videos).toHaveLength(6)
    await controlApi.fault({ on: 'list', status: 429 })
    expect(await streamErrorOf(backend.listVideos({ uids }))).toMatchObject({
      kind: 'rate-limited',
    })
    expect((await backend.listVideos({ uids })).videos).toHaveLength(7)
  })

  test('calls time out, and are aborted by the signal of the caller', async () => {
    const { emulator, controlApi } = await start()
    const backend = createBindingStreamApi(createStreamBinding(emulator), {
      timeoutMs: 50,
      creationTimeoutMs: 60,
    })
    const delay = { delayMs: 5000 } as const
    await controlApi.fault({ on: 'direct_upload', ...delay })
    const timedOut = await streamErrorOf(backend.createDirectUpload(uploadParamsFor(null)))
    expect(timedOut).toMatchObject({ kind: 'unavailable', mayHaveSucceeded: true, status: null })
    expect(timedOut.message).toContain('60 ms')
    await controlApi.fault({ on: 'details', ...delay })
    const found = await streamErrorOf(backend.findVideo('0'.repeat(32)))
    expect(found).toMatchObject({ kind: 'unavailable', mayHaveSucceeded: false })
    await controlApi.fault({ on: 'list', ...delay })
    const reason = new Error('aborted by the caller')
    const caller = new AbortController()
    const listing = bindingApi(emulator).listVideos({}, caller.signal)
    caller.abort(reason)
    await expect(listing).rejects.toBe(reason)
  })
})
